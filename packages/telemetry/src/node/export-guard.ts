import { ExportResultCode, type ExportResult } from '@opentelemetry/core'

/**
 * Stands between the SDK and an exporter and makes it a guest (I7): whatever the exporter does (throw, answer twice, never answer),
 * the SDK gets one answer within the deadline. The SDK alone leaves a timer of 30 s behind when an exporter throws.
 */
export interface ExportGuard<T> {
  export(items: T, done: (result: ExportResult) => void): void
  /** Answers every export still under way: it was given up. */
  cancel(reason: Error): void
  /** When every export under way has its answer. */
  settled(): Promise<void>
}

export interface ExportGuardOptions {
  readonly timeoutMs: number
  /** An export failed, threw, or took too long. */
  readonly onFailure: (error: Error) => void
}

export function guardExports<T>(
  send: (items: T, done: (result: ExportResult) => void) => void, { timeoutMs, onFailure }: ExportGuardOptions,
): ExportGuard<T> {
  const pending = new Set<(error: Error) => void>()
  let waiting: (() => void)[] = []

  return {
    export(items, done) {
      const finish = (result: ExportResult): void => {
        if (!pending.delete(giveUp)) return
        clearTimeout(timer)
        if (result.code !== ExportResultCode.SUCCESS) onFailure(result.error ?? new Error('the exporter gave no reason'))
        done(result)
        if (pending.size > 0) return
        for (const wake of waiting) wake()
        waiting = []
      }
      const giveUp = (error: Error): void => finish({ code: ExportResultCode.FAILED, error })
      pending.add(giveUp)
      // The wall clock's timer, also in a simulation: what answers is a network.
      const timer = setTimeout(() => giveUp(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
      timer.unref()
      try {
        send(items, finish)
      } catch (error) {
        giveUp(error instanceof Error ? error : new Error(String(error)))
      }
    },
    cancel(reason) {
      for (const giveUp of [...pending]) giveUp(reason)
    },
    settled: () => (pending.size === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
  }
}
