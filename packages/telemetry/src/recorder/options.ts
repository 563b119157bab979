import { TelemetryError } from '../errors.ts'
import { fields } from '../fields.ts'
import { flag, integer, quote } from '../options.ts'

/** What of the traces is exported. The recorder holds them all for a while; a trace is kept whole or not at all. */
export interface KeepOptions {
  /** Share of all traces that is kept whatever happens in them, from 0 to 1. The same ones in every process. @default 0.01, 1 where OTEL_TRACES_SAMPLER is set */
  readonly ratio?: number
  /** Keep traces with an error. @default true */
  readonly errors?: boolean
  /** Keep traces in which an agent enters a state tagged `violation`. @default true */
  readonly violations?: boolean
  /**
   * Keep traces in which a transition of that stage took longer, from mailbox to end, or the time in states tagged `stage:<name>` was longer;
   * `decision`: a transition of any agent with the option `stage`. A name that no agent has a minute after the first was
   * spawned is told once (`warn`). Milliseconds.
   */
  readonly sloMs?: Readonly<Record<string, number>>
  /** Keep at most so many traces a second per type of agent that are over its rolling 99th percentile. 0: none. @default 1 */
  readonly slowPerSecond?: number
}

export interface RecorderOptions {
  /** `all`: every trace. @default the rules with their defaults */
  readonly keep?: 'all' | KeepOptions
  /** How much of the past the recorder tries to hold. Milliseconds. @default 30_000 */
  readonly historyMs?: number
  /**
   * Memory of the ring at most, in mebibytes: 1 holds about 8,000 records, rounded down to a power of two. The table of traces beside it
   * takes 2.3 MiB, and at most 72 bytes for each record of the ring; that of their texts at most 10 MiB. Attributes of roots and errors, which
   * fit into no record, take at most as much again: then the oldest are let go, and counted where their trace is kept. @default 32
   */
  readonly maxMebibytes?: number
  /** Share of traces begun here that may be kept at all: head sampling. @default 1, or what OTEL_TRACES_SAMPLER says */
  readonly headRatio?: number
  /**
   * What began elsewhere follows what was decided there. False: `headRatio` decides of it as well, by the id of the trace, whether or not
   * it is sampled there; so it may have holes. @default what was not sampled elsewhere is not of the base share, and kept where a rule says
   * so; where `headRatio` is given true; as OTEL_TRACES_SAMPLER says
   */
  readonly parentBased?: boolean
  /**
   * Spans of one trace, in each process; what is more is dropped, counted and said once in the trace. The first and the newest are told,
   * and failures, violations and what was too slow also beyond the bound, as many again at most. @default 512
   */
  readonly maxSpansPerTrace?: number
  /** How long another process may take to export its part of a kept trace before that part counts as lost. Milliseconds. @default 5000 */
  readonly sliceTimeoutMs?: number
}

/** Checked and complete. */
export interface ResolvedRecorderOptions {
  readonly ratio: number
  readonly errors: boolean
  readonly violations: boolean
  readonly sloMs: ReadonlyMap<string, number>
  readonly slowPerSecond: number
  readonly historyMs: number
  readonly maxRecordsLog2: number
  readonly headRatio: number
  /** Undefined: for the base share only. */
  readonly parentBased: boolean | undefined
  readonly maxSpansPerTrace: number
  readonly sliceTimeoutMs: number
}

/** `ratio`: the base share where the rules do not say one. Throws `TelemetryError` BAD_OPTION. */
export function resolveRecorderOptions(given: RecorderOptions, ratio = 0.01): ResolvedRecorderOptions {
  const options = fields<RecorderOptions>('recorder', given, {
    keep: true,
    historyMs: true,
    maxMebibytes: true,
    headRatio: true,
    parentBased: true,
    maxSpansPerTrace: true,
    sliceTimeoutMs: true,
  })
  const keep = keepOptions(options.keep)
  return {
    ratio: share('keep.ratio', keep.ratio, ratio),
    errors: flag('keep.errors', keep.errors, true),
    violations: flag('keep.violations', keep.violations, true),
    sloMs: new Map(Object.entries(sloMs(keep.sloMs)).map(([stage, ms]) => [stage, positive(`keep.sloMs.${stage}`, ms)])),
    slowPerSecond: atLeastZero('keep.slowPerSecond', keep.slowPerSecond, 1),
    historyMs: integer('recorder.historyMs', options.historyMs, 30_000, 1, 3_600_000),
    maxRecordsLog2: 13 + Math.floor(Math.log2(integer('recorder.maxMebibytes', options.maxMebibytes, 32, 1, 1024))),
    headRatio: share('recorder.headRatio', options.headRatio, 1),
    parentBased:
      options.parentBased === undefined && options.headRatio === undefined
        ? undefined
        : flag('recorder.parentBased', options.parentBased, true),
    maxSpansPerTrace: integer('recorder.maxSpansPerTrace', options.maxSpansPerTrace, 512, 1, 100_000),
    sliceTimeoutMs: integer('recorder.sliceTimeoutMs', options.sliceTimeoutMs, 5000, 1, 600_000),
  }
}

function keepOptions(given: unknown): KeepOptions {
  if (given === undefined) return {}
  if (given === 'all') return { ratio: 1 }
  if (typeof given === 'object' && given !== null) {
    return fields<KeepOptions>('keep', given, { ratio: true, errors: true, violations: true, sloMs: true, slowPerSecond: true })
  }
  throw new TelemetryError('BAD_OPTION', `keep is ${quote(given)}: give "all" or rules such as { ratio: 0.01 }`)
}

function sloMs(given: unknown): object {
  if (given === undefined) return {}
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return given
  throw new TelemetryError('BAD_OPTION', `keep.sloMs is ${quote(given)}: give milliseconds by stage, such as { planning: 50 }`)
}

function share(name: string, value: unknown, byDefault: number): number {
  if (value === undefined) return byDefault
  if (typeof value === 'number' && value >= 0 && value <= 1) return value
  throw new TelemetryError('BAD_OPTION', `${name} is ${quote(value)}: give a number from 0 to 1`)
}

function positive(name: string, value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value
  throw new TelemetryError('BAD_OPTION', `${name} is ${quote(value)}: give milliseconds above 0`)
}

function atLeastZero(name: string, value: unknown, byDefault: number): number {
  if (value === undefined) return byDefault
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value
  throw new TelemetryError('BAD_OPTION', `${name} is ${quote(value)}: give a number from 0`)
}
