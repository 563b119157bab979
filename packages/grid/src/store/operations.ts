import type { Clock } from '../time/clock.ts'
import { isStoreError, StoreError } from './errors.ts'

export interface OperationsOptions {
  /** Of what is asked, for messages. */
  readonly place: string
  readonly clock: Clock
  /** How long an operation may take with all its retries. */
  readonly timeoutMs: number
  /** From 0 to 1, for the pauses between retries. */
  readonly random: () => number
}

/** Operations with a deadline each, and retries of what may be asked twice. */
export interface Operations {
  /** Runs it with a signal that aborts at the deadline (I8). Throws CLOSED after `close`. */
  run<T>(what: string, operation: (signal: AbortSignal) => Promise<T>): Promise<T>
  /** Tries again what fails with STORE_UNREACHABLE, after growing pauses, until the signal aborts; then the last error is thrown. */
  retry<T>(signal: AbortSignal, attempt: () => Promise<T>): Promise<T>
  /** Refuses what comes from now on, and waits for what is under way. */
  close(): Promise<void>
}

const FIRST_PAUSE_MS = 20
const LONGEST_PAUSE_MS = 1000

export function createOperations({ clock, timeoutMs, random, place }: OperationsOptions): Operations {
  const underWay = new Set<Promise<unknown>>()
  let closed = false

  return {
    async run(what, operation) {
      if (closed) throw new StoreError('CLOSED', `the store at ${place} is closed`)
      const over = new AbortController()
      const reason = new StoreError('STORE_TIMEOUT', `${what} at ${place} took longer than ${timeoutMs} ms`)
      const timer = clock.setTimeout(() => over.abort(reason), timeoutMs)
      const done = operation(over.signal)
      underWay.add(done)
      try {
        return await done
      } finally {
        underWay.delete(done)
        clock.clearTimeout(timer)
      }
    },
    async retry(signal, attempt) {
      for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
        signal.throwIfAborted()
        try {
          return await attempt()
        } catch (error) {
          if (!isStoreError(error, 'STORE_UNREACHABLE')) throw error
          // Half of the pause by chance: those who failed together shall not come back together.
          await pause(pauseMs * (0.5 + random() / 2), signal)
          if (signal.aborted) throw error
        }
      }
    },
    async close() {
      closed = true
      await Promise.allSettled(underWay)
    },
  }

  function pause(delayMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clock.clearTimeout(timer)
        signal.removeEventListener('abort', end)
        resolve()
      }
      const timer = clock.setTimeout(end, delayMs)
      signal.addEventListener('abort', end)
    })
  }
}
