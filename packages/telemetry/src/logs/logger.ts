import type { LogFields } from './log-fields.ts'

/** One way to write a line: a text, or fields and a text; an error is a field. */
export interface LogMethod {
  (message: string): void
  (fields: object, message?: string): void
}

/** A logger as pino makes them. */
export interface Logger {
  readonly trace: LogMethod
  readonly debug: LogMethod
  readonly info: LogMethod
  readonly warn: LogMethod
  readonly error: LogMethod
  readonly fatal: LogMethod
  /** One whose lines all have these fields. */
  child(fields: LogFields | Readonly<Record<string, unknown>>): Logger
}

/** Names of pino's levels, by their numbers. */
const LEVELS: readonly (readonly [at: number, name: string])[] = [
  [60, 'fatal'],
  [50, 'error'],
  [40, 'warn'],
  [30, 'info'],
  [20, 'debug'],
]

/** All of them, as they are counted. */
export const LEVEL_NAMES: readonly string[] = [...LEVELS.map(([, name]) => name), 'trace']

/** The name of a level of pino's; of one in between, that of the next lower. */
export function levelName(level: unknown): string {
  return LEVELS.find(([at]) => typeof level === 'number' && level >= at)?.[1] ?? 'trace'
}

/** Writes nothing: where nobody asked for logs. */
export function silentLogger(): Logger {
  const none = (): void => {}
  const logger: Logger = { trace: none, debug: none, info: none, warn: none, error: none, fatal: none, child: () => logger }
  return logger
}
