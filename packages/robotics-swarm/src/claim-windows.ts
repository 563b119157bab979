import type { Clock, TimerHandle, TraceContext } from '@stigmergy/grid'
import type { Belt } from './belt.ts'

/** A part that has just come within reach of a robot, or has passed the last one (`station` = number of stations). */
export interface Arrival {
  readonly part: string
  /** Encoder counts when the camera saw it. */
  readonly encoder: number
  readonly station: number
  readonly trace: TraceContext | undefined
}

export interface ClaimWindows {
  /** Follows a part from the encoder count at which the camera saw it. */
  follow(part: string, encoder: number, trace: TraceContext | undefined): void
  /** Lets a part that nobody took at `station` travel on to the next one. */
  passOn(arrival: Arrival): void
  close(): void
}

interface Waiting {
  readonly part: string
  readonly encoder: number
  readonly due: number
  readonly trace: TraceContext | undefined
}

/**
 * Tells when each part enters the claim window of each robot. The belt keeps the order of its parts, so every station
 * is a plain queue with one timer for its head; a stopped belt just moves the timers.
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
  const queues: { items: Waiting[]; head: number; timer: TimerHandle | undefined }[] = stations.map(() => ({
    items: [],
    head: 0,
    timer: undefined,
  }))
  let closed = false

  const arm = (station: number): void => {
    const queue = queues[station]
    const next = queue?.items[queue.head]
    if (queue === undefined || queue.timer !== undefined || next === undefined || closed) return
    const delayMs = belt.msUntil(next.due)
    if (delayMs === Number.POSITIVE_INFINITY) return
    queue.timer = clock.setTimeout(() => {
      queue.timer = undefined
      serve(station)
    }, delayMs)
  }

  const serve = (station: number): void => {
    const queue = queues[station]
    const next = queue?.items[queue.head]
    // A timer may be early by a fraction of a millisecond: the encoder decides, not the timer.
    if (queue !== undefined && next !== undefined && belt.msUntil(next.due) === 0) {
      queue.head += 1
      if (queue.head > 1024) {
        queue.items.splice(0, queue.head)
        queue.head = 0
      }
      onArrival({ part: next.part, encoder: next.encoder, station, trace: next.trace })
    }
    arm(station)
  }

  const enqueue = (station: number, part: string, encoder: number, trace: TraceContext | undefined): void => {
    queues[station]?.items.push({ part, encoder, due: encoder + (stations[station] ?? 0), trace })
    arm(station)
  }

  belt.onChange(() => {
    for (const [station, queue] of queues.entries()) {
      if (queue.timer !== undefined) clock.clearTimeout(queue.timer)
      queue.timer = undefined
      arm(station)
    }
  })

  return {
    follow(part, encoder, trace) {
      // A planner that was restarted is told of every part again: stations already behind the part are out of reach.
      const travelled = belt.counts() - encoder
      const ahead = stations.findIndex((distance) => distance >= travelled - reach)
      enqueue(ahead === -1 ? stations.length - 1 : ahead, part, encoder, trace)
    },
    passOn({ part, encoder, station, trace }) {
      if (station + 1 < stations.length) enqueue(station + 1, part, encoder, trace)
      else onArrival({ part, encoder, station: stations.length, trace })
    },
    close() {
      closed = true
      for (const queue of queues) if (queue.timer !== undefined) clock.clearTimeout(queue.timer)
    },
  }
}
