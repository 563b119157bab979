import { setMaxListeners } from 'node:events'

/** The promise, or the signal's reason as soon as it aborts. What it waited for goes on; its late failure disturbs nobody. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  // Many calls may share one, and each is deaf to it when it ends: Node would take that for a leak, and say so.
  if (signal instanceof EventTarget) setMaxListeners(0, signal)
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    promise.finally(() => signal.removeEventListener('abort', abort)).then(resolve, reject)
  })
}
