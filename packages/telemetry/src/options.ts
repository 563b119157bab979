import type { Meter, Tracer } from '@opentelemetry/api'
import type { Clock } from '@stigmergy/grid'
import { TelemetryError } from './errors.ts'
import { clockOf, fields } from './fields.ts'
import type { TelemetryHooksOptions } from './hooks.ts'
import type { BaseLabels } from './labels.ts'

export const DEFAULT_MAX_LABEL_VALUES = 200

/** Checked and complete. */
export interface ResolvedTelemetryHooksOptions {
  readonly tracer: Tracer | undefined
  readonly meter: Meter | undefined
  readonly clock: Clock
  readonly maxLabelValues: number
  readonly base: BaseLabels
}

/** Throws `TelemetryError` BAD_OPTION. */
export function resolveTelemetryHooksOptions(given: TelemetryHooksOptions): ResolvedTelemetryHooksOptions {
  const options = fields<TelemetryHooksOptions>('telemetryHooks', given, NAMES)
  return {
    tracer: madeBy('tracer', options.tracer, 'startSpan'),
    meter: madeBy('meter', options.meter, 'createObservableGauge'),
    clock: clockOf('clock', options.clock),
    maxLabelValues: integer('maxLabelValues', options.maxLabelValues, DEFAULT_MAX_LABEL_VALUES, 1, 10_000),
    base: baseLabels(options),
  }
}

const NAMES: Readonly<Record<keyof TelemetryHooksOptions, true>> = {
  region: true,
  policyVersion: true,
  tracer: true,
  meter: true,
  metrics: true,
  clock: true,
  maxLabelValues: true,
  flight: true,
  current: true,
  sharedId: true,
  spawns: true,
  tally: true,
}

/** Of the API of OpenTelemetry, known by one of its methods. */
function madeBy<T extends object>(name: string, value: T | undefined, method: string): T | undefined {
  if (value === undefined || typeof (value as Readonly<Record<string, unknown>> | null)?.[method] === 'function') return value
  throw new TelemetryError('BAD_OPTION', `${name} is ${quote(value)}: give one of OpenTelemetry's API, with a method ${method}`)
}

/** region and policyVersion, each a non-empty string where given. */
export function baseLabels(options: BaseLabels): BaseLabels {
  const region = text('region', options.region)
  const policyVersion = text('policyVersion', options.policyVersion)
  return { ...(region === undefined ? {} : { region }), ...(policyVersion === undefined ? {} : { policyVersion }) }
}

export function integer(name: string, value: unknown, byDefault: number, min: number, max: number): number {
  if (value === undefined) return byDefault
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
  throw new TelemetryError('BAD_OPTION', `${name} is ${quote(value)}: give an integer from ${min} to ${max}`)
}

export function flag(name: string, value: unknown, byDefault: boolean): boolean {
  if (value === undefined) return byDefault
  if (typeof value === 'boolean') return value
  throw new TelemetryError('BAD_OPTION', `${name} is ${quote(value)}: give true or false`)
}

export function text(name: string, value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'string' && value !== '') return value
  throw new TelemetryError('BAD_OPTION', `${name} is ${quote(value)}: give a non-empty string`)
}

export function quote(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}
