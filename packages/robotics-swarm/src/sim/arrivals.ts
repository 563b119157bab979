import type { TimerHandle, TraceContext } from '@stigmergy/grid'
import type { Clock } from '@stigmergy/grid'
import type { Belt } from '../belt.ts'
import type { Camera } from '../camera.ts'
import type { RandomStream } from '../random.ts'

/** A Poisson stream of parts under the camera. */
export interface Arrivals {
  readonly sent: number
  readonly finished: boolean
  close(): void
}

/**
 * Shows `parts` parts to the camera, exponentially spaced. One timer at a time; each next arrival is counted from the
 * time the last one was due, so a late timer does not stretch the stream.
 */
export function startArrivals(options: {
  readonly clock: Clock
  readonly belt: Belt
  readonly camera: Camera
  readonly random: RandomStream
  readonly meanGapMs: number
  readonly parts: number
  /** Begins the trace of a part, where somebody wants one. */
  readonly beginTrace?: (part: string) => TraceContext | undefined
}): Arrivals {
  const { clock, belt, camera, random, meanGapMs, parts, beginTrace } = options
  let sent = 0
  let dueMs = clock.now()
  let timer: TimerHandle | undefined
  const next = (): void => {
    if (sent >= parts) return
    dueMs += random.exponential(meanGapMs)
    timer = clock.setTimeout(show, Math.max(0, dueMs - clock.now()))
  }
  const show = (): void => {
    sent += 1
    const part = `p${sent}`
    const trace = beginTrace?.(part)
    camera.show(part, belt.counts(), trace)
    next()
  }
  next()
  return {
    get sent() {
      return sent
    },
    get finished() {
      return sent >= parts
    },
    close: () => clock.clearTimeout(timer),
  }
}
