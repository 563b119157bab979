import type { TransitionEnd } from '@stigmergy/core'
import type { Clock, TraceContext } from '@stigmergy/grid'
import type { Meter } from '@opentelemetry/api'
import { TelemetryError } from '../errors.ts'
import type { TelemetryHooks } from '../hooks.ts'
import type { BaseLabels } from '../labels.ts'
import type { Instruments } from '../metrics/instruments.ts'
import { instrumentsOf } from '../metrics/meter-instruments.ts'
import { clockOf, functionOf } from '../fields.ts'
import { baseLabels, DEFAULT_MAX_LABEL_VALUES, integer, quote } from '../options.ts'
import { alarmParts, alarmsOptions, baselinesOf } from './option-names.ts'
import { LEAST_WINDOW_DECISIONS, LEAST_WINDOWS, type BaselineStore } from './baseline.ts'
import type { DriftSettings } from './drift.ts'

/** How often an alarm may be false: the limits of drift, slo and errors are computed from it. */
export interface AlarmBudget {
  /** False alarms per day, of each kind, over all agents; those of `errors` in each process. Not of `stale` and `spread`. @default 1 */
  readonly falseAlarmsPerDay?: number
  /** Agents in the fleet. @default 100 */
  readonly agents?: number
  /** Decisions of one agent per second. @default 1 */
  readonly decisionsPerSecond?: number
}

export interface DriftOptions {
  /** Decisions of one agent that are tested together; of a type, for `slo`. @default 100 */
  readonly windowDecisions?: number
  /** Decisions that a baseline is learned from, in whole windows of an agent: 20 of them at least. Fewer than 100 windows cost more false alarms. @default 100 windows */
  readonly baselineDecisions?: number
  /** Half the lasting change, in sigma, that the alarm is tuned to find. @default 0.5 */
  readonly k?: number
  /** Different actions of a kind of decision; later ones, and those the baseline never saw then, are one `other`. @default 64 */
  readonly maxActions?: number
  /** Agents and kinds of decision that are watched. @default 10_000 */
  readonly maxAgents?: number
}

/** A service level objective of an agent type: so many of its decisions within so many seconds. */
export interface SloOptions {
  readonly seconds: number
  /** Share of the decisions that must be within it, 0.5 to 0.9999. @default 0.99 */
  readonly share?: number
}

export interface ErrorsOptions {
  /** Failures of all agents of this process in an hour while nothing is wrong. @default 1 */
  readonly expectedPerHour?: number
  /** Causal links are looked for among the failures of this time. @default 60_000 */
  readonly spreadMs?: number
  /** Fewer failures that were caused by others than this are no spread. @default 5 */
  readonly minSecondary?: number
}

/** What alarms need of a telemetry. */
export interface AlarmsTelemetry extends Pick<TelemetryHooks, 'instruments'>, Partial<Pick<TelemetryHooks, 'base' | 'warn'>> {
  readonly keep: (trace: TraceContext, reason: Parameters<TelemetryHooks['keep']>[1]) => void
}

/** Region and policy version are those of the telemetry where they are not given. */
export interface AlarmsOptions extends BaseLabels {
  readonly clock: Clock
  /** Where the metrics of the alarms go, and what keeps their traces. @default none are kept */
  readonly telemetry?: AlarmsTelemetry
  /** Is told, once, of objectives that are for no agent. @default the telemetry's */
  readonly warn?: (line: string) => void
  /** Where the metrics go without `telemetry`. @default nowhere */
  readonly meter?: Meter
  readonly budget?: AlarmBudget
  readonly drift?: DriftOptions
  /** Decisions on a world model older than this are stale. @default { maxAgeMs: 200 } */
  readonly stale?: { readonly maxAgeMs?: number }
  /** By agent type. @default none */
  readonly slo?: Readonly<Record<string, SloOptions>>
  readonly errors?: ErrorsOptions
  /** @default memoryBaselines(); see gridBaselines() */
  readonly baselines?: BaselineStore
  /**
   * The action that a transition decided, or undefined: it decided nothing.
   * @default the state entered, for agents with `stage: 'planning'`, until one of their type tells its decisions by `decided`
   */
  readonly decisionOf?: (end: TransitionEnd) => string | undefined
  /** @default 200 */
  readonly maxLabelValues?: number
}

export interface ResolvedAlarmsOptions {
  readonly instruments: Instruments
  readonly clock: Clock
  readonly keep: AlarmsTelemetry['keep'] | undefined
  readonly warn: (line: string) => void
  readonly drift: DriftSettings
  readonly stale: { readonly maxAgeMs: number }
  readonly slo: ReadonlyMap<string, Required<SloOptions> & { readonly windowDecisions: number; readonly runLength: number }>
  /** `runLength`: failures that are expected between false alarms. */
  readonly errors: Required<ErrorsOptions> & { readonly runLength: number }
  readonly baselines: BaselineStore
  /** Undefined: the default. */
  readonly decisionOf: ((end: TransitionEnd) => string | undefined) | undefined
  readonly base: BaseLabels
  readonly maxLabelValues: number
}

const SECONDS_PER_DAY = 86_400

/** Throws `TelemetryError` BAD_OPTION. */
export function resolveAlarmsOptions(given: AlarmsOptions): ResolvedAlarmsOptions {
  const options = alarmsOptions(given)
  const { drift, stale, errors, budget, slo: objectives } = alarmParts(options)
  const falseAlarmsPerDay = number('budget.falseAlarmsPerDay', budget.falseAlarmsPerDay, 1, 0.001, 1000)
  const agents = integer('budget.agents', budget.agents, 100, 1, 1_000_000)
  const decisionsPerSecond = number('budget.decisionsPerSecond', budget.decisionsPerSecond, 1, 0.0001, 10_000)
  const windowDecisions = integer('drift.windowDecisions', drift.windowDecisions, 100, LEAST_WINDOW_DECISIONS, 10_000)
  const expectedPerHour = number('errors.expectedPerHour', errors.expectedPerHour, 1, 0.001, 1_000_000)
  const fleetWindowsPerDay = (agents * decisionsPerSecond * SECONDS_PER_DAY) / windowDecisions
  // A budget of several false alarms in each window would be no alarm at all: five windows between them is the least.
  const runLength = clamp(fleetWindowsPerDay / falseAlarmsPerDay, 5, 1e12)
  return {
    instruments: options.telemetry?.instruments ?? instrumentsOf(options.meter),
    clock: clockOf('clock', options.clock),
    keep: options.telemetry?.keep,
    warn: functionOf('warn', options.warn) ?? ((line) => options.telemetry?.warn?.(line)),
    drift: {
      windowDecisions,
      baselineDecisions: integer(
        'drift.baselineDecisions',
        drift.baselineDecisions,
        100 * windowDecisions,
        LEAST_WINDOWS * windowDecisions,
        100_000_000,
      ),
      k: number('drift.k', drift.k, 0.5, 0.1, 2),
      runLength,
      maxActions: integer('drift.maxActions', drift.maxActions, 64, 2, 1000),
      maxAgents: integer('drift.maxAgents', drift.maxAgents, 10_000, 1, 1_000_000),
    },
    stale: { maxAgeMs: number('stale.maxAgeMs', stale.maxAgeMs, 200, 0, 86_400_000) },
    slo: new Map(
      objectives.map(([type, slo]) => {
        const share = number(`slo.${type}.share`, slo.share, 0.99, 0.5, 0.9999)
        const seconds = number(`slo.${type}.seconds`, slo.seconds, NaN, 0.000_001, 86_400)
        // One slow decision is allowed in a window at least: in a smaller one the first would be too much already.
        const slowWindow = Math.max(windowDecisions, Math.ceil(1 / (1 - share)))
        const windows = clamp((runLength * windowDecisions) / slowWindow, 5, MOST_COUNT_WINDOWS)
        return [type, { seconds, share, windowDecisions: slowWindow, runLength: windows }]
      }),
    ),
    errors: {
      expectedPerHour,
      spreadMs: integer('errors.spreadMs', errors.spreadMs, 60_000, 100, 86_400_000),
      minSecondary: integer('errors.minSecondary', errors.minSecondary, 5, 1, 1000),
      runLength: (expectedPerHour * 24) / falseAlarmsPerDay,
    },
    baselines: baselinesOf(options.baselines),
    decisionOf: functionOf('decisionOf', options.decisionOf),
    base: { ...options.telemetry?.base, ...baseLabels(options) },
    maxLabelValues: integer('maxLabelValues', options.maxLabelValues, DEFAULT_MAX_LABEL_VALUES, 1, 10_000),
  }
}

const MOST_COUNT_WINDOWS = 1e9

/** The action of a transition where nobody says what a decision is. */
export function planned(end: TransitionEnd): string | undefined {
  return end.agent.stage === 'planning' && end.from !== end.to ? end.to : undefined
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value))
}

function number(name: string, value: unknown, byDefault: number, min: number, max: number): number {
  const given = value ?? byDefault
  if (typeof given === 'number' && given >= min && given <= max) return given
  throw new TelemetryError('BAD_OPTION', `${name} is ${quote(value)}: give a number from ${min} to ${max}`)
}
