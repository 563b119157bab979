import type { LogRecordExporter, ReadableLogRecord } from '@opentelemetry/sdk-logs'
import type { Tally } from '../tally.ts'
import { guardExports } from './export-guard.ts'
import type { Sink } from './sink.ts'

export interface LogSinkOptions {
  readonly tally: Tally
  /** Lines that may wait; more are dropped and counted (I6). */
  readonly queueSize: number
  readonly batchSize: number
  readonly delayMs: number
  readonly timeoutMs: number
  readonly onFailure: (error: Error) => void
}

/** Log records in batches to a guarded exporter, one batch at a time. */
export interface LogSink extends Sink {
  take(record: ReadableLogRecord): void
}

export function batchedLogSink(exporter: LogRecordExporter, options: LogSinkOptions): LogSink {
  const { tally, queueSize, batchSize, delayMs, timeoutMs, onFailure } = options
  let queue: ReadableLogRecord[] = []
  let timer: NodeJS.Timeout | undefined
  let sending = false
  const guard = guardExports<ReadableLogRecord[]>((records, done) => exporter.export(records, done), {
    timeoutMs,
    onFailure(error, records) {
      tally.dropped.log += records.length
      onFailure(error)
    },
  })

  const send = (): void => {
    clearTimeout(timer)
    timer = undefined
    if (sending || queue.length === 0) return
    sending = true
    const batch = queue.slice(0, batchSize)
    queue = queue.slice(batchSize)
    guard.export(batch, () => {
      sending = false
      if (queue.length > 0) send()
    })
  }

  const flush = async (): Promise<void> => {
    send()
    await guard.settled()
  }

  return {
    take(record) {
      if (queue.length >= queueSize) {
        tally.dropped.log++
        return
      }
      queue.push(record)
      if (queue.length >= batchSize) send()
      else if (timer === undefined) {
        timer = setTimeout(send, delayMs)
        timer.unref()
      }
    },
    flush,
    async close() {
      await flush()
      await exporter.shutdown()
    },
    abort(reason) {
      tally.dropped.log += queue.length
      queue = []
      guard.cancel(reason)
    },
  }
}
