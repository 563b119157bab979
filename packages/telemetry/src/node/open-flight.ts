import type { Resource } from '@opentelemetry/resources'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import type { KeepPort } from '../keep-port.ts'
import { createFlight, type Flight } from '../recorder/flight.ts'
import { withGenAi } from '../recorder/gen-ai.ts'
import type { RecordedSpan } from '../recorder/recorded-span.ts'
import type { SpanTime } from '../span-time.ts'
import type { Tally } from '../tally.ts'
import { createFlightSchedule, type FlightSchedule } from './flight-schedule.ts'
import type { ResolvedTelemetryOptions } from './options.ts'
import { createSpanReplay } from './span-replay.ts'
import type { SpanSink } from './span-sink.ts'

export interface OpenFlightOptions {
  readonly scope: string
  readonly settings: ResolvedTelemetryOptions
  readonly resource: Resource
  readonly time: SpanTime
  readonly tally: Tally
  readonly sinks: readonly SpanSink[]
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
export function openFlight({ scope, settings, resource, time, tally, sinks, keepPort }: OpenFlightOptions): OpenFlight | undefined {
  if (settings.recorder === undefined) return undefined
  const schedule = createFlightSchedule(() => flight, sinks)
  // The port is a guest like an exporter (I7).
  const told = <T>(items: readonly T[], tell: (items: readonly T[]) => void): void => {
    try {
      tell(items)
    } catch {
      tally.dropped.decision += items.length
    }
  }
  const replay = createSpanReplay({ scope, resource, processors: sinks.map((sink) => sink.processor), time, tally })
  // Nobody to tell of spans: then none are made.
  const none = (): void => {}
  const emit = settings.genAi ? (span: RecordedSpan): void => replay(withGenAi(span)) : replay
  const tellSlices = keepPort?.tellSlices?.bind(keepPort)
  const flight: Flight = createFlight(settings.recorder, {
    clock: settings.clock,
    random: settings.random,
    emit: sinks.length === 0 ? none : emit,
    emitGuest(span) {
      for (const { processor } of sinks) processor.onEnd(span as ReadableSpan)
    },
    wake: schedule.wake,
    tell: (decisions) => told(decisions, (all) => keepPort?.tell(all)),
    tellSlices: tellSlices && ((receipts) => told(receipts, tellSlices)),
  })
  return {
    flight,
    schedule,
    join() {
      const { recorder, slices } = flight
      const ends = [
        keepPort?.listen(({ traceId }) => recorder.keepRemote(traceId)),
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
