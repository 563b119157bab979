import type { Clock } from '@stigmergy/grid'
import type { HrTime } from '@opentelemetry/api'

/**
 * Turns monotonic milliseconds of a clock into the epoch time that spans carry.
 * The offset stays the same, so that spans keep the order and the lengths the monotonic clock gave them, but where the wall clock steps
 * (it is set after the start, or the machine slept): from then on spans have the new time, as logs do.
 */
export interface SpanTime {
  toEpochMs(monotonicMs: number): number
  /** As `[seconds, nanoseconds]`: the SDK takes a small plain number for a `performance.now()`, which a virtual clock would trip over. */
  toHrTime(monotonicMs: number): HrTime
  now(): HrTime
  /** Milliseconds of the epoch at 0 of the clock, as it is known now. */
  offsetMs(): number
}

type Clocks = Pick<Clock, 'now' | 'wallNow'>

/** A smaller difference is a clock that is slewed, or two readings that were not taken at once. */
const STEP_MS = 250
/** Between two looks. */
const LOOK_MS = 100

export function createSpanTime(clock: Clocks): SpanTime {
  return spanTimeOf(offsetOf(clock), () => clock.now())
}

/** `offset`: milliseconds of the epoch at 0 of the clock; it is given the newest time that is asked for. */
export function spanTimeOf(offset: (monotonicMs: number) => number, now: () => number): SpanTime {
  const toEpochMs = (monotonicMs: number): number => monotonicMs + offset(monotonicMs)
  const toHrTime = (monotonicMs: number): HrTime => {
    const epochMs = toEpochMs(monotonicMs)
    const seconds = Math.floor(epochMs / 1000)
    // Rounded to microseconds: a double of epoch milliseconds holds no more.
    const nanoseconds = Math.round((epochMs - seconds * 1000) * 1000) * 1000
    return nanoseconds < 1e9 ? [seconds, nanoseconds] : [seconds + 1, 0]
  }
  return { toEpochMs, toHrTime, now: () => toHrTime(now()), offsetMs: () => offset(now()) }
}

/** Looks at the clocks again where what is asked for is newer than the last look, and a while has passed since. */
function offsetOf(clock: Clocks): (monotonicMs: number) => number {
  let offsetMs = clock.wallNow() - clock.now()
  let lookAtMs = clock.now() + LOOK_MS
  return (monotonicMs) => {
    if (monotonicMs < lookAtMs) return offsetMs
    const before = clock.now()
    const found = clock.wallNow() - before
    lookAtMs = before + LOOK_MS
    // Where the process was held between the two readings they say nothing of each other.
    if (Math.abs(found - offsetMs) > STEP_MS && clock.now() - before < STEP_MS / 2) offsetMs = found
    return offsetMs
  }
}
