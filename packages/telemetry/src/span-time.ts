import type { Clock } from '@stigmergy/grid'
import type { HrTime } from '@opentelemetry/api'

/**
 * Turns monotonic milliseconds of a clock into the epoch time that spans carry.
 * The offset is taken once, so that spans keep the order and the lengths the monotonic clock gave them, whatever the wall clock does.
 */
export interface SpanTime {
  toEpochMs(monotonicMs: number): number
  /** As `[seconds, nanoseconds]`: the SDK takes a small plain number for a `performance.now()`, which a virtual clock would trip over. */
  toHrTime(monotonicMs: number): HrTime
  now(): HrTime
}

export function createSpanTime(clock: Pick<Clock, 'now' | 'wallNow'>): SpanTime {
  const offsetMs = clock.wallNow() - clock.now()
  const toHrTime = (monotonicMs: number): HrTime => {
    const epochMs = monotonicMs + offsetMs
    const seconds = Math.floor(epochMs / 1000)
    // Rounded to microseconds: a double of epoch milliseconds holds no more.
    const nanoseconds = Math.round((epochMs - seconds * 1000) * 1000) * 1000
    return nanoseconds < 1e9 ? [seconds, nanoseconds] : [seconds + 1, 0]
  }
  return {
    toEpochMs: (monotonicMs) => monotonicMs + offsetMs,
    toHrTime,
    now: () => toHrTime(clock.now()),
  }
}
