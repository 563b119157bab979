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
/** To the next portion, while there is room for it. */
const MORE_MS = 10

export function createFlightSchedule(flight: () => Flight, sinks: readonly SpanSink[]): FlightSchedule {
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  let mostRoom = 0

  // The sink with the most room decides: one that is stuck must not hold up the others; what it cannot take it counts. Traces are told
  // whole, so the last of them may be longer than what was asked for: there is room left for that.
  const room = (): number => {
    const now = sinks.length === 0 ? PORTION : Math.max(...sinks.map((sink) => sink.room()))
    mostRoom = Math.max(mostRoom, now)
    return sinks.length === 0 ? now : Math.max(0, now - Math.min(PORTION, Math.floor(mostRoom / 2)))
  }

  const tick = (): void => {
    timer = undefined
    if (stopped) return
    if (flight().run(Math.min(PORTION, room()))) wakeIn(room() > 0 ? MORE_MS : DELAY_MS)
  }
  const wakeIn = (ms: number): void => {
    if (timer !== undefined || stopped) return
    timer = setTimeout(tick, ms)
    timer.unref()
  }
  const wake = (): void => wakeIn(DELAY_MS)

  const flush = async (): Promise<void> => {
    let more = true
    let least = 0
    while (more && !stopped) {
      const limit = Math.max(least, room())
      // Should a flush make no room, the rest is told all the same: what finds none is counted.
      least = limit === 0 ? PORTION : 0
      more = flight().run(limit)
      const flushes = sinks.map(async (sink) => sink.flush())
      if (more && flushes.length > 0) await Promise.race(flushes.map(async (taken) => taken.catch(() => {})))
      else await Promise.allSettled(flushes)
    }
  }

  return {
    wake,
    flush,
    async finish(timeoutMs) {
      if (flight().run(Math.min(PORTION, room()))) await endsWithin([flush()], timeoutMs)
      stopped = true
      clearTimeout(timer)
      flight().run(Infinity)
    },
  }
}
