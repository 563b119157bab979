import type { Clock, TimerHandle, TraceContext } from '@stigmergy/grid'
import type { Belt } from './belt.ts'
import { createPartQueue } from './part-queue.ts'

/** A part that has just come within reach of a robot, or has passed the last one (`station` = number of stations). */
export interface Arrival {
  readonly part: string
  /** Encoder counts when the camera saw it. */
  readonly encoder: number
  readonly station: number
  readonly trace: TraceContext | undefined
}

export interface ClaimWindows {
  /** Follows a part from the encoder count at which the camera saw it. Does nothing if it is followed already. */
  follow(part: string, encoder: number, trace: TraceContext | undefined): void
  /** Lets a part that nobody took at `station` travel on to the next one. */
  passOn(arrival: Arrival): void
  close(): void
}

/**
 * Tells when each part enters the claim window of each robot. The belt keeps the order of its parts, so every station
 * is a queue by encoder with one timer for its head; a stopped belt just moves the timers.
 */
export function createClaimWindows(options: {
  readonly clock: Clock
  readonly belt: Belt
  /** Distance from the camera to each claim window, in encoder counts, along the belt. */
  readonly stations: readonly number[]
  /** How far past its window a part may be and still be claimed, in encoder counts. */
  readonly reach: number
  readonly onArrival: (arrival: Arrival) => void
}): ClaimWindows {
  const { clock, belt, stations, reach, onArrival } = options
  const queues = stations.map(() => createPartQueue())
  const timers: (TimerHandle | undefined)[] = stations.map(() => undefined)
  const waiting = new Set<string>()
  let closed = false

  const arm = (station: number): void => {
    const next = queues[station]?.head
    if (timers[station] !== undefined || next === undefined || closed) return
    const delayMs = belt.msUntil(next.due)
    if (delayMs === Number.POSITIVE_INFINITY) return
    timers[station] = clock.setTimeout(() => {
      timers[station] = undefined
      serve(station)
    }, delayMs)
  }

  const rearm = (station: number): void => {
    if (timers[station] !== undefined) clock.clearTimeout(timers[station])
    timers[station] = undefined
    arm(station)
  }

  const serve = (station: number): void => {
    const next = queues[station]?.head
    // A timer may be early by a fraction of a millisecond: the encoder decides, not the timer.
    if (next !== undefined && belt.msUntil(next.due) === 0) {
      queues[station]?.shift()
      waiting.delete(next.part)
      const arrival = { part: next.part, encoder: next.encoder, station, trace: next.trace }
      // Too late for this robot: the belt has carried it past while nobody could serve it.
      if (belt.counts() - next.due > reach) passOn(arrival)
      else onArrival(arrival)
    }
    arm(station)
  }

  const enqueue = (station: number, part: string, encoder: number, trace: TraceContext | undefined): void => {
    waiting.add(part)
    const queue = queues[station]
    const first = queue?.insert({ part, encoder, due: encoder + (stations[station] ?? 0), trace })
    if (first === true) rearm(station)
  }

  const passOn = ({ part, encoder, station, trace }: Arrival): void => {
    if (station + 1 < stations.length) enqueue(station + 1, part, encoder, trace)
    else onArrival({ part, encoder, station: stations.length, trace })
  }

  belt.onChange(() => {
    for (const station of stations.keys()) rearm(station)
  })

  return {
    follow(part, encoder, trace) {
      // A planner that was restarted is told of every part again.
      if (waiting.has(part)) return
      const travelled = belt.counts() - encoder
      const ahead = stations.findIndex((distance) => distance >= travelled - reach)
      if (ahead >= 0) enqueue(ahead, part, encoder, trace)
      else onArrival({ part, encoder, station: stations.length, trace })
    },
    passOn,
    close() {
      closed = true
      for (const timer of timers) if (timer !== undefined) clock.clearTimeout(timer)
    },
  }
}
