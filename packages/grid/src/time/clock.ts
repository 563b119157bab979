/** A pending timer. Opaque: give it back to {@link Clock.clearTimeout}. */
export type TimerHandle = unknown

/**
 * The only source of time in Stigmergy. It is monotonic: it never jumps, whatever the wall clock does (I4).
 * Shaped so that it can also be handed to XState as its clock.
 */
export interface Clock {
  /** Monotonic milliseconds since an arbitrary start, with fractions. */
  now(): number
  /** Wall-clock milliseconds since 1970, for display and export only; never used to judge an age. It may jump, either way. */
  wallNow(): number
  setTimeout(fn: () => void, delayMs: number): TimerHandle
  clearTimeout(handle: TimerHandle): void
}

// Node fires any longer delay after 1 ms, so longer ones are clamped and their owner re-arms. It drops fractions, so they are rounded up.
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1

/** So far the fine reading may be from the wall clock, which tells whole milliseconds. */
const WALL_SLACK_MS = 2

/** The clock of this process: `performance.now()` and Node's timers. */
export function systemClock(): Clock {
  // Asked for once: the global is a getter, and two reads of the time stand around every transition that is recorded.
  const { performance } = globalThis
  return {
    now: () => performance.now(),
    wallNow: createWallClock(performance),
    setTimeout: (fn, delayMs) => setTimeout(fn, Math.min(Math.ceil(delayMs), LONGEST_TIMEOUT_MS)),
    clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
  }
}

/**
 * `Date.now()` with fractions: versions of two processes that write in one millisecond must differ. A wall clock that is put right later,
 * as on a robot without a network at its start, is followed.
 */
function createWallClock(performance: { now(): number; readonly timeOrigin: number }): () => number {
  let offsetMs = performance.timeOrigin
  return () => {
    const wallMs = Date.now()
    const fineMs = offsetMs + performance.now()
    if (Math.abs(fineMs - wallMs) <= WALL_SLACK_MS) return fineMs
    offsetMs += wallMs - fineMs
    return wallMs
  }
}
