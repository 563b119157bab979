import type { Clock } from '../time/clock.ts'
import { GridError, isGridError } from '../errors.ts'

/** Batches of one call under way at a time: while one is answered, the other is made. */
const WIDTH = 2

const [FIRST, LEAST, MOST] = [64, 8, 1024]

/** A batch should take this part of its deadline: there must be room for the day when the cluster is slow. */
const PART = 1 / 10

export interface BatchesOf {
  readonly clock: Pick<Clock, 'now'>
  /** Of each batch. */
  readonly deadlineMs: number
}

/**
 * Makes all of them, in their order, in batches that are few at a time: any number takes bounded room (I6), no batch is near its deadline,
 * and the event loop goes on between. How large they are follows from how long they take. The first failure ends it: no further batch
 * is begun, and the error says how many were surely made.
 */
export async function inBatches<T>(
  all: readonly T[],
  { clock, deadlineMs }: BatchesOf,
  make: (batch: readonly T[]) => Promise<unknown>,
): Promise<void> {
  let [next, made, size] = [0, 0, FIRST]
  const lane = async (): Promise<void> => {
    while (next < all.length) {
      const batch = all.slice(next, (next += size))
      const atMs = clock.now()
      try {
        await make(batch)
      } catch (error) {
        next = all.length
        throw error
      }
      made += batch.length
      size = nextSize(size, clock.now() - atMs, deadlineMs)
    }
  }
  try {
    await Promise.all(Array.from({ length: WIDTH }, lane))
  } catch (error) {
    if (all.length <= FIRST || !isGridError(error)) throw error
    throw new GridError(error.code, `${error.message} (at least ${made} of ${all.length} entries were written)`, { cause: error })
  }
}

/** How many the next batch takes, after one of that size took so long. */
export function nextSize(size: number, tookMs: number, deadlineMs: number): number {
  const goalMs = deadlineMs * PART
  if (tookMs > goalMs) return Math.max(size >> 1, LEAST)
  return tookMs < goalMs / 2 ? Math.min(size * 2, MOST) : size
}
