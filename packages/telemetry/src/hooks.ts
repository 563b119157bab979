import type { Attributes, Meter, Tracer } from '@opentelemetry/api'
import type { AgentInfo, CoreHooks } from '@stigmergy/core'
import type { Clock, Grid, GridHooks, TraceContext } from '@stigmergy/grid'
import { createAges, type AgeReading } from './ages.ts'
import { bothChanges, withMetrics } from './both.ts'
import { currentHooks, startingHooks, type Current } from './current.ts'
import { createLabels, type BaseLabels, type Labels } from './labels.ts'
import { createMetricHooks } from './metric-hooks.ts'
import { instrumentsOf } from './metrics/meter-instruments.ts'
import type { Instruments } from './metrics/instruments.ts'
import type { Registry } from './metrics/registry.ts'
import type { CountedName, ObservedName } from './metrics/told.ts'
import { createNearCaches } from './near-cache.ts'
import { planOf } from './plan-id.ts'
import { resolveTelemetryHooksOptions } from './hook-options.ts'
import { text } from './options.ts'
import type { Flight } from './recorder/flight.ts'
import { KEEP_REASONS, reasonCode, type KeepReason } from './recorder/keep-rules.ts'
import { createRecorderHooks } from './recorder/recorder-hooks.ts'
import { isContext, NO_TRACE } from './span-context.ts'
import { createSpanTime } from './span-time.ts'
import { createSpanHooks } from './spans.ts'
import { createStartTrace, type StartTraceOptions } from './start-trace.ts'
import { createTally, type Tally } from './tally.ts'
import { createTelling, type Reading } from './telling.ts'
import { typosTold } from './typos.ts'
import { hooksUntil } from './until.ts'
import {
  observeFlight,
  observeJournal,
  observeMailboxes,
  observeTally,
  observeUptime,
  type WatchedReader,
  type WatchedSystem,
} from './telemetry-metrics.ts'

export interface TelemetryHooksOptions extends BaseLabels {
  /** @default none: no spans, and contexts that come with events and entries pass through unchanged */
  readonly tracer?: Tracer | undefined
  /** Where the metrics go. Not used where `metrics` is given. */
  readonly meter?: Meter | undefined
  /** A registry of our own: bound instruments and exemplars. @default none: the metrics go to the meter */
  readonly metrics?: Registry | undefined
  /** The clock of the grid and the system: the times in the hooks are its. */
  readonly clock: Clock
  /** Different values a label such as `agent_id` may take; later ones are `other`. @default 200 */
  readonly maxLabelValues?: number
  /** A flight recorder; then spans are made from it and `tracer` is not used. @default none */
  readonly flight?: Flight | undefined
  /** Learns which transition runs. Not with a tracer. @default nobody does, which is cheaper */
  readonly current?: Current | undefined
  /** Is told, once, an id that two agents have at the same time: they share their series. See `forSystem`. @default nobody is */
  readonly sharedId?: ((id: string) => void) | undefined
  /** Is told of each agent that is spawned. @default nobody is */
  readonly spawns?: ((agent: AgentInfo) => void) | undefined
  /** Is told, once each, of names that mean nothing: a stage or a tag that is misspelt. @default nobody is */
  readonly warn?: ((line: string) => void) | undefined
  /** From its abort on agents are not observed any more, and no traces begin. @default for ever */
  readonly until?: AbortSignal | undefined
  /** Where losses are counted. @default a new one */
  readonly tally?: Tally
}

/** Telemetry as the rest of the house sees it: hooks for core and grid, and what only the user can tell. Nothing here throws (I7). */
export interface TelemetryHooks {
  /** For `createSystem({ hooks })` or `system.use(hooks)`. */
  readonly core: CoreHooks
  /** For `grid.use(hooks)`. */
  readonly grid: GridHooks
  /**
   * Hooks for one of several systems of this process whose agents may have the same ids: its metrics get the label `system`. The same
   * hooks for the same name; the systems after the 64th are `other`. Throws `TelemetryError` BAD_OPTION for an empty name.
   */
  forSystem(name: string): CoreHooks
  /**
   * Begins a trace where a sensor reading enters: a root span (attribute `agent.stage` is `sensor` unless given) that ends now.
   * Give the context to `put(..., { trace })` or `send(..., { trace })`. The name must be of low cardinality.
   * Without a tracer the ids are all zeros.
   */
  startTrace(name: string, attributes?: Attributes, options?: StartTraceOptions): TraceContext
  /**
   * Keeps a trace, here and in every process that hears of it: for what only the user or an alarm can tell (`violation`, `drift`, `stale`,
   * `debug`). The trace must still be in the recorder. Without a recorder or a trace, nothing.
   */
  keep(trace: TraceContext | undefined, reason: Exclude<KeepReason, 'base' | 'remote' | 'cause'>): void
  /**
   * Says that the transition running under `trace` (`grid.trace.current`) has further causes: one plan made from many percepts. They
   * become links of its span, and are kept with its trace. Without a recorder, or outside of a transition, nothing.
   */
  link(trace: TraceContext | undefined, causes: readonly (TraceContext | undefined)[]): void
  /**
   * Says that the transition running under `trace` (`grid.trace.current`), and all that follows from it in any process, belongs to a plan:
   * spans, exemplars and log lines then carry its id, cut after 48 characters. Without a recorder, or
   * outside of a transition, nothing.
   */
  plan(trace: TraceContext | undefined, planId: string): void
  /** Adds to `task_assignment_latency_seconds`. A value that is no finite number from 0 is dropped and counted. */
  recordTaskAssignment(seconds: number, labels?: Attributes): void
  /** Adds readings to `map_stale_age_seconds`; the function is called when metrics are collected. Returns its removal. */
  observeAge(readings: () => Iterable<AgeReading>): () => void
  /** Adds readings to a gauge that only others know; the function is called when metrics are collected. Returns its removal. */
  observe(name: ObservedName, readings: () => Iterable<Reading>): () => void
  /** Adds to a counter of what only others know. @default n 1 */
  count(name: CountedName, n?: number, labels?: Attributes): void
  /**
   * Adds what waits in the mailbox of every agent to `agent_mailbox_depth`. `name`: that of `forSystem`, for one of several systems;
   * agents that share their labels are added up. Returns its removal. Throws `TelemetryError` BAD_OPTION for an empty name.
   */
  watchSystem(system: WatchedSystem, name?: string): () => void
  /**
   * Adds how many records a reader of a journal has not handed out yet to `journal_lag_records`, until the reader is closed.
   * Returns its removal.
   */
  watchJournal(journal: { readonly name: string }, reader: WatchedReader): () => void
  /** Adds the replica age of every map of the grid to `map_stale_age_seconds`, and what its near caches do. Returns its removal. */
  watchGrid(grid: Grid): () => void
  /** Where the metrics go: for what measures more of the house, such as `createAlarms`. */
  readonly instruments: Instruments
  /** Says a line where telemetry says its own: for what measures more of the house. */
  readonly warn: (line: string) => void
  /** Region and policy version, where they are set: those of every metric. */
  readonly base: BaseLabels
}

const MAX_SYSTEMS = 64

/**
 * Hooks over a tracer and a meter of the OpenTelemetry API, whoever made them; `startTelemetry` of `@stigmergy/telemetry/node` makes both.
 * Throws `TelemetryError` BAD_OPTION.
 */
export function telemetryHooks(options: TelemetryHooksOptions): TelemetryHooks {
  const { tracer, instruments, clock, maxLabelValues, base, tally, flight, current } = resolve(options)
  const time = createSpanTime(clock)
  const labels = createLabels(base, maxLabelValues)
  const ages = createAges(instruments, labels, tally)
  const telling = createTelling(instruments, labels.base, tally)
  const nearCaches = createNearCaches(instruments, labels)
  const recorder = flight?.recorder
  let told = false
  const { spawns = () => {}, warn = () => {}, until } = options
  const typos = typosTold(warn, flight?.sloMs ?? new Map(), (act, ms) => {
    const timer = clock.setTimeout(() => until?.aborted !== true && act(), ms) as { readonly unref?: () => void } | undefined
    // It holds no process (I8).
    timer?.unref?.()
  })
  observeTally(instruments, tally, labels.base, until)
  observeUptime(instruments, clock, labels.base)
  const startTrace = createStartTrace({ recorder, tracer, clock, time, tally })
  /** What users hand over is called in actions, where reading it must not throw either (I7). */
  const quietly = (act: () => void): void => {
    try {
      act()
    } catch {
      tally.dropped.reading++
    }
  }
  const shared = (id: string): void => {
    if (!told) options.sharedId?.(id)
    told = true
  }
  if (flight !== undefined) observeFlight(instruments, flight, labels.base)

  const hooksOf = (system: string | undefined): { readonly core: CoreHooks; readonly grid: GridHooks; readonly own: Labels } => {
    const own = system === undefined ? labels : createLabels(base, maxLabelValues, system)
    const metrics = createMetricHooks(instruments, own, createLabels(base, maxLabelValues, system), time, {
      shared,
      spawns(agent, root) {
        spawns(agent)
        typos(agent, root)
      },
      lasted: flight?.lasted,
    })
    const recording = flight && createRecorderHooks({ recorder: flight.recorder, staged: flight.staged, metrics, current, system })
    const spans = recording?.core ?? (tracer === undefined ? undefined : createSpanHooks(tracer, time, system))
    const watched = spans === undefined && current !== undefined ? currentHooks(current) : spans
    const hooks = { ...withMetrics(watched, metrics.core), ...(current && startingHooks(current)) }
    return {
      core: until === undefined ? hooks : hooksUntil(hooks, until),
      grid: recording === undefined ? metrics.grid : bothChanges(recording.grid, metrics.grid),
      own,
    }
  }
  const systems = new Map<string, ReturnType<typeof hooksOf>>()
  const ofSystem = (name: string): ReturnType<typeof hooksOf> => {
    text('system', name)
    const admitted = systems.has(name) || systems.size < MAX_SYSTEMS ? name : 'other'
    let known = systems.get(admitted)
    if (known === undefined) systems.set(admitted, (known = hooksOf(admitted)))
    return known
  }
  const { core, grid } = hooksOf(undefined)

  return {
    core,
    grid,
    forSystem: (name) => ofSystem(name).core,
    instruments,
    base,
    warn,
    startTrace: (...args) => (until?.aborted === true ? NO_TRACE : startTrace(...args)),
    keep(trace, reason) {
      quietly(() => {
        if (isContext(trace) && KEEP_REASONS.includes(reason)) recorder?.keep(trace, reasonCode(reason))
      })
    },
    link(trace, causes) {
      const one = (cause: unknown): void => {
        if (isContext(trace) && isContext(cause)) recorder?.link(trace, cause)
      }
      quietly(() => {
        if (Array.isArray(causes)) for (const cause of causes) quietly(() => one(cause))
      })
    },
    plan(trace, planId) {
      quietly(() => {
        if (isContext(trace)) recorder?.plan(trace, planOf(planId))
      })
    },
    recordTaskAssignment: telling.taskAssignment,
    observeAge: ages.observe,
    observe: telling.observe,
    count: telling.count,
    watchSystem: (system, name) => observeMailboxes(instruments, system, name === undefined ? labels : ofSystem(name).own),
    watchJournal: (journal, reader) => observeJournal(instruments, journal.name, reader, labels),
    watchGrid(watched) {
      const ends = [ages.watchGrid(watched), nearCaches.watch(watched)]
      return () => {
        for (const end of ends) end()
      }
    },
  }
}

function resolve(options: TelemetryHooksOptions) {
  const resolved = resolveTelemetryHooksOptions(options)
  const { metrics, tally = createTally(), flight, current } = options
  const { meter } = resolved
  return { ...resolved, tally, flight, current, instruments: metrics ?? instrumentsOf(meter) }
}
