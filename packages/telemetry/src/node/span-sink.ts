import { TraceFlags, type Context } from '@opentelemetry/api'
import { BatchSpanProcessor, type ReadableSpan, type Span, type SpanExporter, type SpanProcessor } from '@opentelemetry/sdk-trace-base'
import { onRejected } from '../promised.ts'
import type { Tally } from '../tally.ts'
import { guardExports } from './export-guard.ts'
import type { Sink } from './sink.ts'

export interface SpanSinkOptions {
  readonly tally: Tally
  readonly queueSize: number
  /** Between two batches that are not full. @default that of OpenTelemetry */
  readonly delayMs?: number
  readonly timeoutMs: number
  /** An export failed, threw, or took too long: these spans may not have arrived. */
  readonly onFailure: (error: Error, spans: readonly ReadableSpan[]) => void
  /** So many spans were exported, or failed to be. @default nobody wants to know */
  readonly onSettled?: (spans: number) => void
  /** Is told the trace of a span that found no room. @default nobody is */
  readonly onDrop?: (traceId: string) => void
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
  { tally, queueSize, delayMs = 5000, timeoutMs, onFailure, onSettled, onDrop }: SpanSinkOptions,
): SpanSink {
  let queued = 0
  const guard = guardExports<ReadableSpan[]>(
    (spans, done) => {
      queued -= spans.length
      return exporter.export(spans, done)
    },
    { timeoutMs, onFailure },
  )
  const batches = new BatchSpanProcessor(
    {
      export: (spans, done) =>
        guard.export(spans, (result) => {
          onSettled?.(spans.length)
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
  const processor = guardProcessor(batches, tally)
  return {
    processor: {
      ...processor,
      onEnd(span) {
        if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return
        if (queued >= queueSize) {
          tally.dropped.span++
          onDrop?.(span.spanContext().traceId)
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
export function directSpanSink(inner: SpanProcessor, tally: Tally): SpanSink {
  const processor = guardProcessor(inner, tally)
  return { processor, room: () => Infinity, flush: () => processor.forceFlush(), close: () => processor.shutdown(), abort: () => {} }
}

/** In the place of exporters that are gone for good: what they would have got is counted as dropped, never dropped in silence (I6). */
export function lostSpanSink(tally: Tally, onDrop: (traceId: string) => void, room: () => number): SpanSink {
  const nothing = async (): Promise<void> => {}
  const onEnd = (span: ReadableSpan): void => {
    tally.dropped.span++
    onDrop(span.spanContext().traceId)
  }
  const processor: SpanProcessor = { onStart() {}, onEnd, forceFlush: nothing, shutdown: nothing }
  return { processor, nowhere: true, room, flush: nothing, close: nothing, abort() {} }
}

function guardProcessor(inner: SpanProcessor, tally: Tally): SpanProcessor {
  const dropped = (): unknown => tally.dropped.span++
  const safely = (act: () => unknown): void => {
    try {
      onRejected(act(), dropped)
    } catch {
      dropped()
    }
  }
  return {
    onStart: (span: Span, context: Context) => safely(() => inner.onStart(span, context)),
    onEnd: (span: ReadableSpan) => safely(() => inner.onEnd(span)),
    // async: what throws becomes a rejection, which the sink's owner awaits.
    forceFlush: async () => inner.forceFlush(),
    shutdown: async () => inner.shutdown(),
  }
}
