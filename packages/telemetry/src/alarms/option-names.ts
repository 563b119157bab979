import { TelemetryError } from '../errors.ts'
import { fields } from '../fields.ts'
import { madeBy } from '../hook-options.ts'
import { quote } from '../options.ts'
import { memoryBaselines, type BaselineStore } from './baseline.ts'
import type { AlarmBudget, AlarmsOptions, DriftOptions, ErrorsOptions, SloOptions } from './options.ts'

/** Throws `TelemetryError` BAD_OPTION. */
export function alarmsOptions(given: unknown): AlarmsOptions {
  const options = fields<AlarmsOptions>('createAlarms', given, {
    clock: true,
    telemetry: true,
    warn: true,
    meter: true,
    budget: true,
    drift: true,
    stale: true,
    slo: true,
    errors: true,
    baselines: true,
    decisionOf: true,
    maxLabelValues: true,
    region: true,
    policyVersion: true,
  })
  checkTelemetry(options.telemetry)
  madeBy('meter', options.meter, 'createObservableGauge')
  return options
}

/** Without its parts there would be no metric and no trace of any alarm, and nobody would know why. */
function checkTelemetry(given: unknown): void {
  if (given === undefined) return
  const { instruments, keep, base } = (given ?? {}) as Readonly<Record<string, unknown>>
  const { histogram, counter, observe } = (instruments ?? {}) as Readonly<Record<string, unknown>>
  const whole = [histogram, counter, observe, keep].every((part) => typeof part === 'function')
  if (whole && (base === undefined || (typeof base === 'object' && base !== null))) return
  throw new TelemetryError(
    'BAD_OPTION',
    `telemetry is ${quote(given)}${whole ? `, with the base ${quote(base)}` : ''}: give what startTelemetry() or telemetryHooks() made`,
  )
}

/** The parts of the options that are objects themselves. */
interface AlarmParts {
  readonly budget: AlarmBudget
  readonly drift: DriftOptions
  readonly stale: { readonly maxAgeMs?: number }
  readonly errors: ErrorsOptions
  readonly slo: readonly (readonly [type: string, SloOptions])[]
}

/** The parts that are objects themselves, with no unknown names in them. Throws `TelemetryError` BAD_OPTION. */
export function alarmParts({ budget = {}, drift = {}, stale = {}, errors = {}, slo = {} }: AlarmsOptions): AlarmParts {
  if (typeof slo !== 'object' || slo === null || Array.isArray(slo)) {
    throw new TelemetryError('BAD_OPTION', `slo is ${quote(slo)}: give objectives by type of agent, such as { planner: { seconds: 0.1 } }`)
  }
  const objectives = Object.entries(slo).map(
    ([type, one]) => [type, fields<SloOptions>(`slo.${type}`, one, { seconds: true, share: true })] as const,
  )
  return {
    budget: fields<AlarmBudget>('budget', budget, { falseAlarmsPerDay: true, agents: true, decisionsPerSecond: true }),
    drift: fields<DriftOptions>('drift', drift, {
      windowDecisions: true,
      baselineDecisions: true,
      k: true,
      maxActions: true,
      maxAgents: true,
    }),
    stale: fields<{ readonly maxAgeMs?: number }>('stale', stale, { maxAgeMs: true }),
    errors: fields<ErrorsOptions>('errors', errors, { expectedPerHour: true, spreadMs: true, minSecondary: true }),
    slo: objectives,
  }
}

/** Throws `TelemetryError` BAD_OPTION. */
export function baselinesOf(given: unknown): BaselineStore {
  if (given === undefined) return memoryBaselines()
  const { peek, save } = (given ?? {}) as { readonly peek?: unknown; readonly save?: unknown }
  if (typeof peek === 'function' && typeof save === 'function') return given as BaselineStore
  throw new TelemetryError('BAD_OPTION', `baselines is ${quote(given)}: give a store such as gridBaselines(grid)`)
}
