import type { Clock } from '../time/clock.ts'
import { StoreError } from '../store/errors.ts'

export interface WaitOptions {
  readonly signal?: AbortSignal | undefined
  readonly timeoutMs?: number
  /** What to throw when the time is over. */
  readonly late?: () => StoreError
}

/** Waits for something to become true of what is stored. */
export interface Waits {
  /** Looks at once, and again whenever something may have changed, until `look` gives something. */
  until<T>(look: () => T | undefined, options?: WaitOptions): Promise<T>
}

export function createWaits(listen: (fn: () => void) => () => void, clock: Clock, closing: AbortSignal, what: string): Waits {
  return {
    async until(look, { signal, timeoutMs, late } = {}) {
      const untilMs = timeoutMs === undefined ? Infinity : clock.now() + timeoutMs
      let wake = (): void => undefined
      const onWake = (): void => wake()
      const quit = listen(onWake)
      signal?.addEventListener('abort', onWake)
      closing.addEventListener('abort', onWake)
      try {
        for (;;) {
          signal?.throwIfAborted()
          if (closing.aborted) throw new StoreError('CLOSED', `${what} is closed`)
          const found = look()
          if (found !== undefined) return found
          const leftMs = untilMs - clock.now()
          if (leftMs <= 0 && late !== undefined) throw late()
          await new Promise<void>((resolve) => {
            wake = resolve
            if (leftMs === Infinity) return
            const timer = clock.setTimeout(resolve, leftMs)
            wake = () => {
              clock.clearTimeout(timer)
              resolve()
            }
          })
        }
      } finally {
        quit()
        signal?.removeEventListener('abort', onWake)
        closing.removeEventListener('abort', onWake)
      }
    },
  }
}
