import type { VirtualClock } from '@stigmergy/grid'
import { setImmediate as turn } from 'node:timers/promises'

/** Lets virtual time go by until the promise has ended. */
export async function finishBy<T>(clock: VirtualClock, promise: Promise<T>): Promise<T> {
  let over = false
  const ended = promise.finally(() => (over = true))
  ended.catch(() => undefined)
  while (!over) {
    for (let at = 0; at < 5; at++) await turn()
    if (!over && clock.nextAt() !== undefined) await clock.step()
  }
  return ended
}
