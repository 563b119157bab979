import { ROOT_CONTEXT, type Attributes, type Meter, type Tracer } from '@opentelemetry/api'
import type { CoreHooks } from '@stigmergy/core'
import type { Clock, Grid, GridHooks, TraceContext } from '@stigmergy/grid'
import { createAges, type AgeReading } from './ages.ts'
import { createLabels, type BaseLabels } from './labels.ts'
import { createMetricHooks } from './metric-hooks.ts'
import { gauge, histogram, observedCounter } from './metrics.ts'
import { resolveTelemetryHooksOptions } from './options.ts'
import { NO_TRACE, traceContextOf } from './span-context.ts'
import type { Flight } from './recorder/flight.ts'
import { KEEP_REASONS, reasonCode, type KeepReason } from './recorder/keep-rules.ts'
import { createRecorderHooks } from './recorder/recorder-hooks.ts'
import { createSpanTime } from './span-time.ts'
import { createSpanHooks } from './spans.ts'
import { createTally, type Tally } from './tally.ts'
import { bothChanges, withMetrics } from './both.ts'

export interface TelemetryHooksOptions extends BaseLabels {
  /** @default none: no spans, and contexts that come with events and entries pass through unchanged */
  readonly tracer?: Tracer | undefined
  readonly meter: Meter
  /** The clock of the grid and the system: the times in the hooks are its. */
  readonly clock: Clock
  /** Different values a label such as `agent_id` may take; later ones are `other`. @default 200 */
  readonly maxLabelValues?: number
  /** A flight recorder; then spans are made from it and `tracer` is not used. @default none */
  readonly flight?: Flight | undefined
  /** Where losses are counted. @default a new one */
  readonly tally?: Tally
}

export interface StartTraceOptions {
  /** Monotonic ms of the clock at which the reading began. @default now: the span has no length */
  readonly startedAtMs?: number
  /** Keep this trace whatever happens in it. @default false */
  readonly debug?: boolean
}

/** Telemetry as the rest of the house sees it: hooks for core and grid, and what only the user can tell. Nothing here throws (I7). */
export interface TelemetryHooks {
  /** For `createSystem({ hooks })` or `system.use(hooks)`. */
  readonly core: CoreHooks
  /** For `grid.use(hooks)`. */
  readonly grid: GridHooks
  /**
   * Begins a trace where a sensor reading enters: a root span (attribute `agent.stage` is `sensor` unless given) that ends now.
   * Give the context to `put(..., { trace })` or `send(..., { trace })`. The name must be of low cardinality.
   * Without a tracer the ids are all zeros.
   */
  startTrace(name: string, attributes?: Attributes, options?: StartTraceOptions): TraceContext
  /**
   * Keeps a trace, here and in every process that hears of it: for what only the user or an alarm can tell (`violation`, `drift`, `stale`,
   * `debug`). The trace must still be in the recorder. Without a recorder, nothing.
   */
  keep(trace: TraceContext, reason: Exclude<KeepReason, 'base' | 'remote'>): void
  /**
   * Says that the transition running under `trace` (`grid.trace.current`) has further causes: one plan made from many percepts. They
   * become links of its span. Without a recorder, nothing.
   */
  link(trace: TraceContext, causes: readonly TraceContext[]): void
  /** Adds to `task_assignment_latency_seconds`. A value that is no finite number from 0 is dropped and counted. */
  recordTaskAssignment(seconds: number, labels?: Attributes): void
  /** Adds readings to `map_stale_age_seconds`; the function is called when metrics are collected. Returns its removal. */
  observeAge(readings: () => Iterable<AgeReading>): () => void
  /** Adds the replica age of every map of the grid to `map_stale_age_seconds`. Returns its removal. */
  watchGrid(grid: Grid): () => void
}

/**
 * Hooks over a tracer and a meter of the OpenTelemetry API, whoever made them; `startTelemetry` of `@stigmergy/telemetry/node` makes both.
 * Throws `TelemetryError` BAD_OPTION.
 */
export function telemetryHooks(options: TelemetryHooksOptions): TelemetryHooks {
  const { tracer, meter, clock, maxLabelValues, base } = resolveTelemetryHooksOptions(options)
  const tally = options.tally ?? createTally()
  const time = createSpanTime(clock)
  const labels = createLabels(base, maxLabelValues)
  const ages = createAges(meter, labels, tally)
  const metrics = createMetricHooks(meter, labels, time)
  const assignment = histogram(meter, 'task_assignment_latency_seconds')
  observeTally(meter, tally, labels.base)
  const flight = options.flight
  const recorder = flight?.recorder
  const recording = recorder && createRecorderHooks(recorder, metrics.transitionEnd)
  if (flight !== undefined) observeFlight(meter, flight, labels.base)

  return {
    core: withMetrics(recording?.core ?? (tracer === undefined ? undefined : createSpanHooks(tracer, time)), metrics.core),
    grid: recording === undefined ? metrics.grid : bothChanges(recording.grid, metrics.grid),
    startTrace(name, attributes, { startedAtMs, debug = false } = {}) {
      if (recorder !== undefined) {
        const now = clock.now()
        const context = recorder.root(name, { ...attributes }, startedAtMs ?? now, now)
        if (debug) recorder.keep(context, reasonCode('debug'))
        return context
      }
      if (tracer === undefined) return NO_TRACE
      const endedAt = time.now()
      const startTime = startedAtMs === undefined ? endedAt : time.toHrTime(startedAtMs)
      const span = tracer.startSpan(name, { startTime, attributes: { 'agent.stage': 'sensor', ...attributes } }, ROOT_CONTEXT)
      span.end(endedAt)
      return traceContextOf(span)
    },
    keep(trace, reason) {
      if (KEEP_REASONS.includes(reason)) recorder?.keep(trace, reasonCode(reason))
    },
    link(trace, causes) {
      for (const cause of causes) recorder?.link(trace, cause)
    },
    recordTaskAssignment(seconds, given) {
      if (!Number.isFinite(seconds) || seconds < 0) {
        tally.dropped.value++
        return
      }
      try {
        assignment.record(seconds, { ...labels.base, ...given })
      } catch {
        // The SDK throws on a label it cannot write, a BigInt for one.
        tally.dropped.value++
      }
    },
    observeAge: ages.observe,
    watchGrid: ages.watchGrid,
  }
}

/** Zeros are told as well, so that a dashboard sees the series before the first loss. */
function observeTally(meter: Meter, tally: Tally, base: Attributes): void {
  observedCounter(meter, 'telemetry_dropped_total').addCallback((result) => {
    for (const [what, count] of Object.entries(tally.dropped)) result.observe(count, { ...base, what })
  })
  observedCounter(meter, 'telemetry_export_failures_total').addCallback((result) => {
    for (const [signal, count] of Object.entries(tally.exportFailures)) result.observe(count, { ...base, signal })
  })
}

function observeFlight(meter: Meter, { recorder, counts }: Flight, base: Attributes): void {
  observedCounter(meter, 'telemetry_traces_kept_total').addCallback((result) => {
    for (const [reason, count] of Object.entries(recorder.keeper.kept)) result.observe(count, { ...base, reason })
  })
  gauge(meter, 'telemetry_coherent_trace_ratio').addCallback((result) => {
    result.observe(counts.traces === 0 ? 1 : 1 - counts.incomplete / counts.traces, base)
  })
  observedCounter(meter, 'telemetry_records_total').addCallback((result) => result.observe(recorder.ring.head, base))
  observedCounter(meter, 'telemetry_records_overwritten_early_total').addCallback((result) => result.observe(recorder.ring.lostEarly, base))
}
