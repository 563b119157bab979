import type { Flight } from '../recorder/flight.ts'
import { endsWithin } from './deadline.ts'
import type { SpanSink } from './span-sink.ts'

/** When kept traces leave the recorder: soon, in small portions, and no faster than somebody takes them. */
export interface FlightSchedule {
  readonly wake: () => void
  /** All of it, portion by portion. */
  flush(): Promise<void>
  /** The last of it, giving the sinks at most `timeoutMs` to take one portion after the other. */
  finish(timeoutMs: number): Promise<void>
}

/** Spans of one portion: some 2 ms of this thread. */
const PORTION = 512
/** A trace goes on for a moment after its symptom: it is told in few slices then. Real time, as what waits is a network. */
const DELAY_MS = 100

export function createFlightSchedule(flight: () => Flight, sinks: readonly SpanSink[]): FlightSchedule {
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  // The sink with the most room decides: one that is stuck must not hold up the others; what it cannot take it counts.
  const room = (): number => (sinks.length === 0 ? PORTION : Math.max(...sinks.map((sink) => sink.room())))

  const tick = (): void => {
    timer = undefined
    if (stopped) return
    if (flight().run(Math.min(PORTION, room()))) wake()
  }
  const wake = (): void => {
    if (timer !== undefined || stopped) return
    timer = setTimeout(tick, DELAY_MS)
    timer.unref()
  }

  const flush = async (): Promise<void> => {
    let more = true
    while (more && !stopped) {
      more = flight().run(Math.max(PORTION, room()))
      const flushes = sinks.map(async (sink) => sink.flush())
      if (more && flushes.length > 0) await Promise.race(flushes.map(async (taken) => taken.catch(() => {})))
      else await Promise.allSettled(flushes)
    }
  }

  return {
    wake,
    flush,
    async finish(timeoutMs) {
      if (flight().run(PORTION)) await endsWithin([flush()], timeoutMs)
      stopped = true
      clearTimeout(timer)
      flight().run(Infinity)
    },
  }
}
