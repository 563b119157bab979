import type { Clock } from '../time/clock.ts'
import { StoreError } from './errors.ts'

/** The promise, or STORE_TIMEOUT after `timeoutMs` (I8). What it waited for goes on; its late failure disturbs nobody. */
export function withDeadline<T>(promise: Promise<T>, clock: Clock, timeoutMs: number, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimeout(() => reject(new StoreError('STORE_TIMEOUT', `${what} took longer than ${timeoutMs} ms`)), timeoutMs)
    promise.then(
      (value) => {
        clock.clearTimeout(timer)
        resolve(value)
      },
      (error: unknown) => {
        clock.clearTimeout(timer)
        reject(error)
      },
    )
  })
}
