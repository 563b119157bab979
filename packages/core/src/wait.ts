import type { Clock } from '@stigmergy/grid'
import { numberOption, optionsOf, signalOption } from './check.ts'

export interface WaitOptions {
  /** In milliseconds of the system's clock. */
  readonly timeoutMs?: number | undefined
  /** Ends the wait: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** Ends a wait: with a value, or with an error. */
export interface Ending<T> {
  resolve(value: T): void
  reject(error: unknown): void
}

/**
 * A promise that cannot wait for ever (I8): it ends by `begin`'s doing, by the deadline or by the signal.
 * What `begin` returns is called once at the end, whichever it is.
 */
export function waitFor<T>(
  clock: Clock,
  options: WaitOptions,
  defaultMs: number,
  timedOut: (timeoutMs: number) => Error,
  begin: (ending: Ending<T>) => () => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    optionsOf<WaitOptions>('what is awaited', options, { timeoutMs: true, signal: true })
    const timeoutMs = numberOption('timeoutMs', options.timeoutMs, defaultMs, 0, Infinity)
    const signal = signalOption(options.signal)
    signal?.throwIfAborted()
    let cleanup: (() => void) | undefined
    let over = false
    const finish = (end: () => void): void => {
      if (over) return
      over = true
      clock.clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      cleanup?.()
      end()
    }
    const onAbort = (): void => finish(() => reject(signal?.reason))
    const timer = clock.setTimeout(() => finish(() => reject(timedOut(timeoutMs))), timeoutMs)
    signal?.addEventListener('abort', onAbort)
    try {
      cleanup = begin({ resolve: (value) => finish(() => resolve(value)), reject: (error) => finish(() => reject(error)) })
    } catch (error) {
      finish(() => reject(error))
    }
    // It ended while it began.
    if (over) cleanup?.()
  })
}
