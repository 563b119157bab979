import { TelemetryError } from '../errors.ts'
import { quote } from '../options.ts'

/** The variables of an environment, such as `process.env`. */
export type Variables = Readonly<Record<string, string | undefined>>

/** An empty one counts as not set. */
export function get(variables: Variables, name: string): string | undefined {
  const value = variables[name]?.trim()
  return value === '' ? undefined : value
}

/** Of Node's timers; a longer one would fire at once, over and over. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1

/** Throws `TelemetryError` BAD_OPTION. */
export function positive(variables: Variables, name: string, byDefault: number, max: number = MAX_TIMEOUT_MS): number {
  const value = get(variables, name)
  if (value === undefined) return byDefault
  const number = Number(value)
  if (Number.isInteger(number) && number > 0 && number <= max) return number
  throw new TelemetryError('BAD_OPTION', `${name} is ${quote(value)}: give an integer above 0, ${max} at most`)
}
