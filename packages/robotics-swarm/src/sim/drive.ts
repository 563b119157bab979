import { type Clock, isGridError, type VirtualClock } from '@stigmergy/grid'

const POLL_MS = 20

function isVirtual(clock: Clock): clock is VirtualClock {
  return 'runUntil' in clock
}

/**
 * Lets time pass until `done`, or until the signal fires: runs a virtual clock, or waits on the real one. Returns also when
 * nothing more can happen: no timer is left, or `progress` has not changed for `stallMs`. Whether that is well is not judged here.
 */
export async function driveUntil(
  clock: Clock,
  done: () => boolean,
  options: { readonly progress: () => number; readonly stallMs: number; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const { progress, stallMs, signal } = options
  let last = progress()
  let changedMs = clock.now()
  const over = (): boolean => {
    if (signal?.aborted === true || done()) return true
    const now = progress()
    if (now !== last) {
      last = now
      changedMs = clock.now()
    }
    return clock.now() - changedMs > stallMs
  }
  if (!isVirtual(clock)) {
    while (!over()) {
      await new Promise<void>((resolve) => {
        clock.setTimeout(resolve, POLL_MS)
      })
    }
    return
  }
  try {
    await clock.runUntil(over)
  } catch (error) {
    if (!isGridError(error, 'CLOCK_IDLE')) throw error
  }
}
