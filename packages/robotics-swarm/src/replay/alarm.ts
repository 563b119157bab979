import type { Clock, TimerHandle } from '@stigmergy/grid'

/** Waits on a clock, one wait at a time, with one timer and one abort listener however many waits there are. */
export interface Alarm extends Disposable {
  /** Waits until that time, if it has not come already. Rejects with the signal's reason. */
  until(atMs: number): Promise<void>
  /** Gives timers and signals a turn. Rejects with the signal's reason. */
  turn(): Promise<void>
}

// Times are sums of floating-point numbers: less than this is no difference.
const HALF_A_MICROSECOND_MS = 0.0005

export function createAlarm(clock: Clock, signal: AbortSignal): Alarm {
  let timer: TimerHandle
  let wake: { resolve(): void; reject(reason: unknown): void } | undefined
  const sleep = (delayMs: number): Promise<void> =>
    new Promise((resolve, reject) => {
      wake = { resolve, reject }
      timer = clock.setTimeout(() => {
        wake = undefined
        resolve()
      }, delayMs)
    })
  const onAbort = (): void => {
    if (!wake) return
    clock.clearTimeout(timer)
    wake.reject(signal.reason)
    wake = undefined
  }
  signal.addEventListener('abort', onAbort)
  return {
    async until(atMs) {
      signal.throwIfAborted()
      // Node's timers may fire up to a millisecond early: look again.
      for (let leftMs = atMs - clock.now(); leftMs > HALF_A_MICROSECOND_MS; leftMs = atMs - clock.now()) await sleep(leftMs)
    },
    async turn() {
      signal.throwIfAborted()
      await sleep(0)
    },
    [Symbol.dispose]: () => signal.removeEventListener('abort', onAbort),
  }
}
