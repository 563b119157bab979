import { ROOT_CONTEXT, type Attributes, type Meter, type Tracer } from '@opentelemetry/api'
import type { CoreHooks } from '@stigmergy/core'
import type { Clock, Grid, GridHooks, TraceContext } from '@stigmergy/grid'
import { createAges, type AgeReading } from './ages.ts'
import { createLabels, type BaseLabels } from './labels.ts'
import { createMetricHooks } from './metric-hooks.ts'
import { histogram, observedCounter } from './metrics.ts'
import { resolveTelemetryHooksOptions } from './options.ts'
import { NO_TRACE, traceContextOf } from './span-context.ts'
import { createSpanTime } from './span-time.ts'
import { createSpanHooks } from './spans.ts'
import { createTally, type Tally } from './tally.ts'

export interface TelemetryHooksOptions extends BaseLabels {
  /** @default none: no spans, and contexts that come with events and entries pass through unchanged */
  readonly tracer?: Tracer | undefined
  readonly meter: Meter
  /** The clock of the grid and the system: the times in the hooks are its. */
  readonly clock: Clock
  /** Different values a label such as `agent_id` may take; later ones are `other`. @default 200 */
  readonly maxLabelValues?: number
  /** Where losses are counted. @default a new one */
  readonly tally?: Tally
}

export interface StartTraceOptions {
  /** Monotonic ms of the clock at which the reading began. @default now: the span has no length */
  readonly startedAtMs?: number
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

  return {
    core: tracer === undefined ? metrics.core : both(createSpanHooks(tracer, time), metrics.core),
    grid: metrics.grid,
    startTrace(name, attributes, { startedAtMs } = {}) {
      if (tracer === undefined) return NO_TRACE
      const endedAt = time.now()
      const startTime = startedAtMs === undefined ? endedAt : time.toHrTime(startedAtMs)
      const span = tracer.startSpan(name, { startTime, attributes: { 'agent.stage': 'sensor', ...attributes } }, ROOT_CONTEXT)
      span.end(endedAt)
      return traceContextOf(span)
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

/** Spans and metrics from the same hooks. Where the first throws the second is still told; core counts what was thrown (I7). */
function both(spans: CoreHooks, metrics: CoreHooks): CoreHooks {
  return {
    onTransitionStart: (start) => spans.onTransitionStart?.(start),
    onTransitionEnd(end) {
      try {
        spans.onTransitionEnd?.(end)
      } finally {
        metrics.onTransitionEnd?.(end)
      }
    },
    onFailure: (failure) => spans.onFailure?.(failure),
    onRestart(agent, restarts, from) {
      try {
        spans.onRestart?.(agent, restarts, from)
      } finally {
        metrics.onRestart?.(agent, restarts, from)
      }
    },
    onStop(agent, reason) {
      try {
        spans.onStop?.(agent, reason)
      } finally {
        metrics.onStop?.(agent, reason)
      }
    },
    onDeadLetter: (letter) => metrics.onDeadLetter?.(letter),
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
