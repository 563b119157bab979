import { context } from '@opentelemetry/api'
import { ExportResultCode, suppressTracing, type ExportResult } from '@opentelemetry/core'
import { onRejected } from '../promised.ts'

/**
 * Stands between the SDK and an exporter and makes it a guest (I7): whatever the exporter does (throw, answer twice, never answer),
 * the SDK gets one answer within the deadline. The SDK alone leaves a timer of 30 s behind when an exporter throws.
 */
export interface ExportGuard<T> {
  readonly export: (items: T, done: (result: ExportResult) => void) => void
  /** Lets the SDK go on without the exports under way. They go on too, and what becomes of them still counts. */
  readonly release: () => void
  /** Ends every export under way: it was given up. Those to come are too. */
  readonly cancel: (reason: Error) => void
  /** When every export under way has ended. */
  readonly settled: () => Promise<void>
}

export interface ExportGuardOptions<T> {
  readonly timeoutMs: number
  /** An export failed, threw, or took too long. `items`: what it was given. */
  readonly onFailure: (error: Error, items: T) => void
}

export function guardExports<T>(
  send: (items: T, done: (result: ExportResult) => void) => unknown,
  { timeoutMs, onFailure }: ExportGuardOptions<T>,
): ExportGuard<T> {
  const pending = new Set<{ readonly answer: (result: ExportResult) => void; readonly giveUp: (error: Error) => void }>()
  let waiting: (() => void)[] = []
  let givenUp: Error | undefined

  return {
    export(items, done) {
      let answered = false
      const answer = (result: ExportResult): void => {
        if (answered) return
        answered = true
        done(result)
      }
      const finish = (result: ExportResult): void => {
        if (!pending.delete(own)) return
        clearTimeout(timer)
        if (result.code !== ExportResultCode.SUCCESS) onFailure(result.error ?? new Error('the exporter gave no reason'), items)
        answer(result)
        if (pending.size > 0) return
        for (const wake of waiting) wake()
        waiting = []
      }
      const giveUp = (error: Error): void => finish({ code: ExportResultCode.FAILED, error })
      const failed = (error: unknown): void => giveUp(error instanceof Error ? error : new Error(String(error)))
      const own = { answer, giveUp }
      pending.add(own)
      // The wall clock's timer, also in a simulation: what answers is a network.
      const timer = setTimeout(() => giveUp(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
      timer.unref()
      if (givenUp !== undefined) return giveUp(givenUp)
      try {
        // What an exporter calls is no work of an agent.
        const sent = context.with(suppressTracing(context.active()), () => send(items, finish))
        // An async export that rejects is one that throws.
        onRejected(sent, failed)
      } catch (error) {
        failed(error)
      }
    },
    // Copies, in both: an answer may let the SDK begin the next export, which is not meant.
    release() {
      const underWay = [...pending]
      for (const { answer } of underWay) answer({ code: ExportResultCode.SUCCESS })
    },
    cancel(reason) {
      givenUp = reason
      const underWay = [...pending]
      for (const { giveUp } of underWay) giveUp(reason)
    },
    settled: () => (pending.size === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
  }
}
