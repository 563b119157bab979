import { TraceFlags, type Context } from '@opentelemetry/api'
import { BatchSpanProcessor, type ReadableSpan, type Span, type SpanExporter, type SpanProcessor } from '@opentelemetry/sdk-trace-base'
import { onRejected } from '../promised.ts'
import { guardExports } from './export-guard.ts'
import type { Losable, LoseSpan } from './lost-spans.ts'
import type { Sink } from './sink.ts'

export interface SpanSinkOptions {
  /** A span found no room, or was in an export that failed. */
  readonly lose: LoseSpan
  readonly queueSize: number
  /** Between two batches that are not full. @default that of OpenTelemetry */
  readonly delayMs?: number
  readonly timeoutMs: number
  /** An export failed, threw, or took too long: as far as anybody knows its spans did not arrive. They are lost by now. */
  readonly onFailure: (error: Error) => void
  /** These spans were exported, or failed to be. @default nobody wants to know */
  readonly onSettled?: (spans: readonly ReadableSpan[]) => void
}

/** A span processor and the way to end it. */
export interface SpanSink extends Sink {
  readonly processor: SpanProcessor
  /** True where nothing it takes arrives anywhere. @default false */
  readonly nowhere?: boolean
  /** How many spans it can take now without dropping any. */
  room(): number
}

/** As OpenTelemetry has it by default. */
const BATCH = 512

/**
 * The SDK's batches in front of a guarded exporter, with the bound kept here: a span that finds the queue full is dropped and counted
 * (I6). The SDK drops it at the same length, but tells nobody.
 */
export function batchedSpanSink(
  exporter: SpanExporter,
  { lose, queueSize, delayMs = 5000, timeoutMs, onFailure, onSettled }: SpanSinkOptions,
): SpanSink {
  let queued = 0
  const guard = guardExports<ReadableSpan[]>(
    (spans, done) => {
      queued -= spans.length
      return exporter.export(spans, done)
    },
    {
      timeoutMs,
      onFailure(error, spans) {
        for (const span of spans) lose(span)
        onFailure(error)
      },
    },
  )
  const batches = new BatchSpanProcessor(
    {
      export: (spans, done) =>
        guard.export(spans, (result) => {
          onSettled?.(spans)
          done(result)
        }),
      shutdown: async () => exporter.shutdown(),
      forceFlush: async () => exporter.forceFlush?.(),
    },
    // Later than the guard's own deadline, which answers first and clears this one. The size of a batch is not left to the SDK, which
    // takes any number from the environment: with 0 it never ends.
    {
      maxQueueSize: queueSize,
      maxExportBatchSize: Math.min(BATCH, queueSize),
      scheduledDelayMillis: delayMs,
      exportTimeoutMillis: timeoutMs + 1000,
    },
  )
  const processor = guardProcessor(batches, lose)
  return {
    processor: {
      ...processor,
      onEnd(span) {
        if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return
        if (queued >= queueSize) {
          lose(span)
          return
        }
        queued++
        processor.onEnd(span)
      },
    },
    room: () => Math.max(0, queueSize - queued),
    async flush() {
      await processor.forceFlush()
      await guard.settled()
    },
    async close() {
      try {
        await processor.shutdown()
      } finally {
        // The SDK does not wait for a batch that was under way before.
        await guard.settled()
      }
    },
    abort: guard.cancel,
  }
}

/** A processor of the user's: it sits on the hot path, so what it throws ends here. */
export function directSpanSink(inner: SpanProcessor, lose: LoseSpan): SpanSink {
  const processor = guardProcessor(inner, lose)
  return { processor, room: () => Infinity, flush: () => processor.forceFlush(), close: () => processor.shutdown(), abort: () => {} }
}

/** In the place of exporters that are gone for good: what they would have got is counted as dropped, never dropped in silence (I6). */
export function lostSpanSink(lose: LoseSpan, room: () => number): SpanSink {
  const nothing = async (): Promise<void> => {}
  const processor: SpanProcessor = { onStart() {}, onEnd: lose, forceFlush: nothing, shutdown: nothing }
  return { processor, nowhere: true, room, flush: nothing, close: nothing, abort() {} }
}

function guardProcessor(inner: SpanProcessor, lose: LoseSpan): SpanProcessor {
  const safely = (span: Losable, act: () => unknown): void => {
    try {
      onRejected(act(), () => lose(span))
    } catch {
      lose(span)
    }
  }
  return {
    onStart: (span: Span, context: Context) => safely(span, () => inner.onStart(span, context)),
    onEnd: (span: ReadableSpan) => safely(span, () => inner.onEnd(span)),
    // async: what throws becomes a rejection, which the sink's owner awaits.
    forceFlush: async () => inner.forceFlush(),
    shutdown: async () => inner.shutdown(),
  }
}
