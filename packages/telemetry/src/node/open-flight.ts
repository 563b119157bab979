import type { Attributes } from '@opentelemetry/api'
import type { Resource } from '@opentelemetry/resources'
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-base'
import type { KeepPort } from '../keep-port.ts'
import { onRejected } from '../promised.ts'
import { createFlight, type Flight } from '../recorder/flight.ts'
import { withGenAi } from '../recorder/gen-ai.ts'
import type { RecordedSpan } from '../recorder/recorded-span.ts'
import type { SpanTime } from '../span-time.ts'
import { createFlightSchedule, type FlightSchedule } from './flight-schedule.ts'
import { openOtlpSink, type SinkParts } from './open-sinks.ts'
import { createSpanReplay } from './span-replay.ts'
import { lostSpanSink, type SpanSink } from './span-sink.ts'
import { openThreadSink, type ThreadSink } from './thread/thread-sink.ts'

export interface OpenFlightOptions extends SinkParts {
  readonly scope: string
  readonly resource: Resource
  readonly time: SpanTime
  /** Those of this thread. What is opened here is added: the thread, and what replaces it. */
  readonly sinks: SpanSink[]
  readonly keepPort: KeepPort | undefined
}

/** The recorder with its way to the sinks and to other processes. */
export interface OpenFlight {
  readonly flight: Flight
  readonly schedule: FlightSchedule
  /** Listens to the other processes. Returns the end of it. Throws what the port throws. */
  join(): () => void
}

/** Undefined where the recorder is off. */
export function openFlight(parts: OpenFlightOptions): OpenFlight | undefined {
  const { scope, settings, resource, time, tally, sinks, keepPort } = parts
  if (settings.recorder === undefined) return undefined
  const schedule = createFlightSchedule(() => flight, sinks)
  // The port is a guest like an exporter (I7).
  const told = <T>(items: readonly T[], tell: (items: readonly T[]) => unknown): void => {
    const untold = (count: unknown): void => void (tally.dropped.decision += typeof count === 'number' ? count : 0)
    const none = (): void => untold(items.length)
    try {
      const answer = tell(items)
      if (onRejected(answer, none)) Promise.resolve(answer).then(untold, () => {})
    } catch {
      none()
    }
  }
  const opened: { thread?: ThreadSink } = {}
  const local = (): readonly SpanSink[] => sinks.filter((sink) => sink !== opened.thread)
  const toAll: SpanProcessor = {
    onStart() {},
    onEnd(span) {
      for (const { processor } of local()) processor.onEnd(span)
    },
    forceFlush: async () => {},
    shutdown: async () => {},
  }
  const replay = createSpanReplay({ scope, resource, processors: [toAll], time, unmade: (traceId) => parts.dropped(traceId) })
  const emit = settings.genAi ? (span: RecordedSpan): void => replay(withGenAi(span)) : replay
  const tellSlices = keepPort?.tellSlices?.bind(keepPort)
  const flight: Flight = createFlight(settings.recorder, {
    clock: settings.clock,
    random: settings.random,
    // Nobody to tell of spans: then none are made.
    get emit() {
      return local().length === 0 ? undefined : emit
    },
    get handOver() {
      return opened.thread?.alive === true ? opened.thread.handOver : undefined
    },
    emitGuest(span) {
      for (const sink of sinks) if (sink !== opened.thread || opened.thread.alive) sink.processor.onEnd(span as ReadableSpan)
    },
    wake: schedule.wake,
    soon: (settle) => void setImmediate(settle),
    full(what) {
      const texts = what === 'ids' ? 'ids of agents' : 'names of types, events and states'
      settings.warn(`telemetry: no room in the recorder for more ${texts}: new ones are "other" in spans`)
    },
    lost: (spans) => void (tally.dropped.span += spans),
    bare: () => void tally.dropped.detail++,
    untold: (decisions) => void (keepPort !== undefined && (tally.dropped.decision += decisions)),
    tell: (decisions) => told(decisions, (all) => keepPort?.tell(all)),
    tellSlices: tellSlices && ((receipts) => told(receipts, tellSlices)),
  })
  const { exportThread, tracesUrl, spansWanted } = settings
  // Without a place for spans none are made, so there is nothing for a thread to do.
  if (exportThread !== undefined && spansWanted && (tracesUrl !== undefined || exportThread.module !== undefined)) {
    const thread = openThread(parts, exportThread.module, flight, () => {
      const at = sinks.findIndex((sink) => sink === opened.thread)
      if (at >= 0) sinks.splice(at, 1)
    })
    opened.thread = thread
    if (thread.alive) sinks.push(thread)
  }
  return {
    flight,
    schedule,
    join() {
      const { recorder, slices } = flight
      const ends = [
        keepPort?.listen(({ traceId, reason }) => recorder.keepRemote(traceId, reason)),
        keepPort?.listenSlices?.((receipt) => {
          // Who comes later greets, and must hear who is there already.
          if (slices.hear(receipt)) flight.greet()
        }),
      ]
      flight.greet()
      return () => {
        for (const end of ends) end?.()
      }
    },
  }
}

/** `ended`: the thread has ended by itself, and takes nothing any more. */
function openThread(parts: OpenFlightOptions, module: string | undefined, { recorder }: Flight, ended: () => void): ThreadSink {
  const { scope, settings, environment, resource, time, tally, report, dropped, lose, sinks } = parts
  const { tracesUrl, maxOtlpTimeoutMs, otlpHeaders, genAi } = settings
  const { timeoutMs, tls } = environment.otlp.traces
  return openThreadSink({
    data: {
      memory: { ring: recorder.ring.buffer, strings: recorder.strings.buffer },
      scope,
      resource: { ...resource.attributes } as Attributes,
      epochMs: time.offsetMs(),
      genAi,
      queueSize: environment.spanQueueSize,
      delayMs: environment.spanDelayMs,
      exportTimeoutMs: environment.spanExportTimeoutMs,
      otlp:
        tracesUrl === undefined
          ? undefined
          : { url: tracesUrl, timeoutMs: Math.min(timeoutMs, maxOtlpTimeoutMs), headers: otlpHeaders, tls },
      module,
    },
    epochMs: () => time.offsetMs(),
    dropped,
    onFailure: (error) => report('traces', error),
    onEnd(error) {
      tally.exportFailures.traces++
      ended()
      const otlpSinks = openOtlpSink(parts)
      sinks.push(...otlpSinks)
      // Its exporters ended that thread: here they could end the agents' (I7). Whether there is room is for the others to say.
      const alone = sinks.length === 0
      if (module !== undefined) sinks.push(lostSpanSink(lose, () => (alone ? Infinity : 0)))
      const reason = error.message.split('\n', 1)[0] ?? ''
      settings.warn(`telemetry: the thread that exports spans ended (${reason}): ${insteadOf(module, otlpSinks.length > 0)}`)
    },
  })
}

/** What becomes of the spans once the thread has ended. */
function insteadOf(module: string | undefined, otlp: boolean): string {
  const lost = `what the exporters of ${module} would have got is counted as dropped`
  if (!otlp) return module === undefined ? 'it had nowhere to send them' : lost
  return `they go by OTLP from this one${module === undefined ? '' : `; ${lost}`}`
}
