import { setMaxListeners } from 'node:events'
import type { Attributes } from '@opentelemetry/api'
import type { TraceContext } from '@stigmergy/grid'
import { Current } from '../current.ts'
import { agentsByType } from './agents-by-type.ts'
import { isTelemetryError, TelemetryError } from '../errors.ts'
import type { Sink } from './sink.ts'
import { telemetryHooks, type TelemetryHooks } from '../hooks.ts'
import type { Logger } from '../logs/logger.ts'
import { metricsText } from '../metrics/open-metrics.ts'
import { createRegistry } from '../metrics/registry.ts'
import { OwnMemory, type RecorderMemory } from '../recorder/read.ts'
import type { Recorder } from '../recorder/recorder.ts'
import type { SpanSink } from './span-sink.ts'
import { createSpanTime } from '../span-time.ts'
import { createTally, type Tally } from '../tally.ts'
import { attach, removeAll } from './attach.ts'
import { endsWithin } from './deadline.ts'
import { disabledTelemetry } from './disabled.ts'
import { isDisabled, readEnvironment } from './environment.ts'
import { createFailureReport } from './failure-report.ts'
import { metricProducer } from './metric-producer.ts'
import { activeTrace, startInstrumentations } from './instrumentation.ts'
import { openFlight } from './open-flight.ts'
import { createLostSpans } from './lost-spans.ts'
import { guardStream } from './guarded-stream.ts'
import { openLogs, type OpenLogs } from './open-logs.ts'
import { openMetricSinks, openSpanSinks } from './open-sinks.ts'
import { resolveTelemetryOptions, type StartTelemetryOptions } from './options.ts'
import { createCpuProfiler, type CpuProfile, type ProfileOptions } from './profiling/cpu-profile.ts'
import { writeHeapSnapshot, type HeapSnapshot } from './profiling/heap-snapshot.ts'
import { profileOnSignal } from './profiling/profile-signal.ts'
import { createResource } from './resource.ts'
import { openScrapeEndpoint } from './scrape-endpoint.ts'

/** A running telemetry: hooks, sinks, and their end. */
export interface Telemetry extends TelemetryHooks {
  /** The flight recorder's shared memory, for `readFlight` on this or another thread; undefined without a recorder. */
  readonly memory: RecorderMemory | undefined
  /** Where the metrics can be read, if they can. */
  readonly prometheus: { readonly host: string; readonly port: number; readonly url: string } | undefined
  /** Writes lines that know the trace, plan and agent they belong to; silent unless `logs` is given. */
  readonly logger: Logger
  /** The trace of what an instrumentation sees running now, such as a request that is being served: give it to `send`. */
  readonly activeTrace: () => TraceContext | undefined
  /**
   * Takes a CPU profile, and tells which agents ran in it. While it runs V8 looks once a millisecond, which costs a few percent.
   * Throws `TelemetryError` BAD_OPTION or PROFILE_RUNNING.
   */
  profile(options?: ProfileOptions): Promise<CpuProfile>
  /** Writes what is on the heap to a new file. The process stands still meanwhile. Rejects with the error of the file system. */
  heapSnapshot(path: string): Promise<HeapSnapshot>
  /** What was lost or could not be sent so far. */
  readonly tally: Tally
  /** Sends what there is now. Never rejects; ends within `closeTimeoutMs`. */
  flush(): Promise<void>
  /**
   * Stops observing, sends what there is, ends everything. Never rejects; ends within `closeTimeoutMs`, and where Prometheus scrapes within
   * `prometheus.lastScrapeMs` of its last scrape (I8). Call it as often as you like.
   */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const SCOPE = '@stigmergy/telemetry'

/**
 * Spans and metrics in one call: a Prometheus endpoint, OTLP where an endpoint is known, and whatever sinks the user adds.
 * Registers nothing globally, so it lives beside another OpenTelemetry set-up in the same process.
 * Reads the OTEL_* variables. Throws `TelemetryError` BAD_OPTION, PORT_IN_USE, LISTEN_FAILED or NO_PINO, and leaves nothing open then.
 */
export async function startTelemetry(options: StartTelemetryOptions = {}): Promise<Telemetry> {
  // Before all else: it must get a process going that another variable keeps from starting.
  if (isDisabled(process.env)) return disabledTelemetry(options)
  const environment = readEnvironment(process.env)
  const settings = resolveTelemetryOptions(options, environment)

  const tally = createTally()
  // A full disk, or a pipe that nobody reads, is no failure of the agent that logs (I7): nor of this start, which waits below.
  const lines = settings.logs && guardStream(settings.logs.destination, (lost) => void (tally.dropped.log += lost))
  const resource = createResource(settings.service, settings.base)
  const time = createSpanTime(settings.clock)
  /** Filled when the sinks are open: what records is asked for what is kept. */
  const kept: { by?: Recorder } = {}
  /** Where spans go: opened below, and may still change, as the thread that exports is opened later and may be replaced. */
  const spanSinks: SpanSink[] = []
  const registry = createRegistry({
    // agent_id is bounded by us; this bound is above it, so that `other` and not the overflow series takes the rest.
    maxSeries: Math.max(2000, settings.maxLabelValues * 10),
    // A trace that goes nowhere is found by nobody who follows its id.
    kept: (trace) => spanSinks.some(({ nowhere }) => nowhere !== true) && kept.by?.isKept(trace) === true,
    refused: () => void tally.dropped.value++,
    readerFailed: () => void tally.dropped.reading++,
    settle: () => kept.by?.settle(),
  })
  // First, as the only thing that can fail from outside: nothing else is open yet but the ear for what becomes of lines.
  const endpoint =
    settings.prometheus &&
    (await openScrapeEndpoint({
      ...settings.prometheus,
      render: async (format) => metricsText(registry.collect(), resource.attributes as Attributes, format),
    }).catch((error: unknown) => {
      lines?.release()
      throw error
    }))
  const lost = createLostSpans(tally, (trace) => recording?.flight.dropped(trace))
  const parts = { options, settings, environment, tally, report: createFailureReport(tally, settings.warn), ...lost }
  const opened: Sink[] = []
  const current = new Current()
  spanSinks.push(...openSpanSinks(parts))
  const sinks = (): readonly Sink[] => [...opened, ...spanSinks]
  const closeSinks = async (): Promise<unknown> => Promise.allSettled(sinks().map(async (sink) => sink.close()))
  /** The start has failed. */
  const giveUp = async (): Promise<void> => {
    lines?.release()
    await endsWithin([closeSinks(), endpoint?.close() ?? Promise.resolve()], settings.closeTimeoutMs)
  }
  let logs: OpenLogs
  try {
    logs = await openLogs({ ...parts, scope: SCOPE, resource, current, instruments: registry, destination: lines })
    opened.push(...logs.sinks)
    opened.push(
      ...openMetricSinks(parts, (reader) =>
        metricProducer(registry, {
          scope: SCOPE,
          resource,
          now: time.now,
          temporality: (type) => reader.selectAggregationTemporality(type),
        }),
      ),
    )
  } catch (error) {
    await giveUp()
    throw error
  }

  const recording = openFlight({ ...parts, scope: SCOPE, resource, time, sinks: spanSinks, keepPort: options.keepPort })
  if (recording !== undefined) kept.by = recording.flight.recorder
  const closed = new AbortController()
  // Each system that has a name listens: bounded by us.
  setMaxListeners(0, closed.signal)
  const hooks = telemetryHooks({
    until: closed.signal,
    flight: recording?.flight,
    // Who logs or instruments asks what runs; for nobody else it is noted down.
    current: settings.logs === undefined && options.instrumentations === undefined ? undefined : current,
    metrics: registry,
    clock: settings.clock,
    maxLabelValues: settings.maxLabelValues,
    tally,
    spawns: logs.spawns,
    sharedId(id) {
      settings.warn(`telemetry: two agents ${JSON.stringify(id)} share their metrics: give each system telemetry.forSystem(name)`)
    },
    warn: settings.warn,
    ...settings.base,
  })
  const detach: (() => void)[] = []
  try {
    if (recording !== undefined) detach.push(recording.join())
    if (options.instrumentations !== undefined && recording !== undefined) {
      const { instrumentations } = options
      const { recorder } = recording.flight
      const { asyncContext } = settings
      const parentBased = settings.recorder?.parentBased
      const { propagators } = environment
      const running = startInstrumentations({ instrumentations, asyncContext, recorder, parentBased, propagators, current, resource })
      detach.push(() => running.close())
    }
    attach(hooks, options, detach)
  } catch (error) {
    removeAll(detach)
    await giveUp()
    if (isTelemetryError(error)) throw error
    throw new TelemetryError('BAD_OPTION', `grid, system or keepPort cannot be observed: ${String(error)}`, { cause: error })
  }
  const recorder = kept.by
  const memory = recorder && new OwnMemory(recorder.ring.buffer, recorder.strings.buffer, () => recorder.settle())
  const profile = createCpuProfiler({
    clock: settings.clock,
    recorder: recorder &&
      memory && {
        memory,
        head() {
          recorder.settle()
          return recorder.ring.head
        },
      },
    closed: closed.signal,
  })
  if (settings.profiling !== undefined) {
    const service = String(resource.attributes['service.name'])
    detach.push(profileOnSignal({ ...settings.profiling, service, profile, say: settings.warn }))
  }
  const flushAll = async (): Promise<void> => {
    await recording?.schedule.flush()
    await Promise.allSettled(sinks().map(async (sink) => sink.flush()))
  }

  const closeAll = async (): Promise<void> => {
    await recording?.schedule.finish(settings.closeTimeoutMs / 2)
    await closeSinks()
  }
  let closing: Promise<void> | undefined
  const close = (): Promise<void> =>
    (closing ??= (async () => {
      // From now on metrics tell that the end is meant.
      closed.abort()
      removeAll(detach)
      const seen = endpoint?.lastScrape()
      if (!(await endsWithin([closeAll()], settings.closeTimeoutMs))) {
        for (const sink of sinks()) sink.abort(new Error(`given up at close after ${settings.closeTimeoutMs} ms`))
      }
      await seen
      await endpoint?.close()
    })())

  return {
    ...hooks,
    memory,
    prometheus: endpoint && { host: endpoint.host, port: endpoint.port, url: endpoint.url },
    profile,
    heapSnapshot: (path) => writeHeapSnapshot(path, () => agentsByType(registry)),
    logger: logs.logger,
    activeTrace: options.instrumentations === undefined ? () => undefined : activeTrace,
    tally,
    async flush() {
      if (closing === undefined) await endsWithin([flushAll()], settings.closeTimeoutMs)
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
