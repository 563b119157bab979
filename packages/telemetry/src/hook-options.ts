import type { Meter, Tracer } from '@opentelemetry/api'
import type { Clock } from '@stigmergy/grid'
import { TelemetryError } from './errors.ts'
import { clockOf, fields } from './fields.ts'
import type { TelemetryHooksOptions } from './hooks.ts'
import type { BaseLabels } from './labels.ts'
import { baseLabels, DEFAULT_MAX_LABEL_VALUES, integer, quote } from './options.ts'

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
  warn: true,
  until: true,
  tally: true,
}

/** Of the API of OpenTelemetry, known by one of its methods. Throws `TelemetryError` BAD_OPTION. */
export function madeBy<T extends object>(name: string, value: T | undefined, method: string): T | undefined {
  if (value === undefined || typeof (value as Readonly<Record<string, unknown>> | null)?.[method] === 'function') return value
  throw new TelemetryError('BAD_OPTION', `${name} is ${quote(value)}: give one of OpenTelemetry's API, with a method ${method}`)
}
