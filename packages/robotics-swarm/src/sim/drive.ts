import type { Clock, VirtualClock } from '@stigmergy/grid'

const POLL_MS = 20

function isVirtual(clock: Clock): clock is VirtualClock {
  return 'runUntil' in clock
}

/** Lets time pass until `done`, or until the signal fires: runs a virtual clock, or waits on the real one. */
export async function driveUntil(clock: Clock, done: () => boolean, signal?: AbortSignal): Promise<void> {
  const over = (): boolean => done() || signal?.aborted === true
  if (isVirtual(clock)) return clock.runUntil(over)
  while (!over()) {
    await new Promise<void>((resolve) => {
      clock.setTimeout(resolve, POLL_MS)
    })
  }
}
