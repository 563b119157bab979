import type { Clock } from '@stigmergy/grid'
import { waitFor } from './wait.ts'

/** Waits for all of them, at most that long. Throws the first error, once all have ended. */
export async function allWithin(clock: Clock, timeoutMs: number, promises: readonly Promise<void>[], timedOut: () => Error): Promise<void> {
  const settled = Promise.allSettled(promises)
  const results = await waitFor<readonly PromiseSettledResult<void>[]>(clock, { timeoutMs }, timeoutMs, timedOut, ({ resolve }) => {
    void settled.then(resolve)
    return () => undefined
  })
  for (const result of results) if (result.status === 'rejected') throw result.reason
}
