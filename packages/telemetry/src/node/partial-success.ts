import type { ExportResult } from '@opentelemetry/core'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base'
import type { LoseSpan } from './lost-spans.ts'

/** An exporter of the SDK. */
interface Exporter<T> {
  export(items: T[], done: (result: ExportResult) => void): void
  forceFlush?(): Promise<void>
  shutdown(): Promise<void>
}

type PartialSuccess = Readonly<Record<string, unknown>> | null | undefined

/** What OpenTelemetry's exporters have, though not in their types. */
interface Inside {
  readonly _delegate?: { readonly _responseHandler?: { handleResponse?: (response: { readonly partialSuccess?: PartialSuccess }) => void } }
}

/**
 * Tells what a receiver refuses of an export that it takes otherwise, its "partial success", which OpenTelemetry's exporters tell nobody but
 * their own log. `field`: where the answer has how many. `refused`: is told before the export is done; which ones they are is not known.
 * Source: https://opentelemetry.io/docs/specs/otlp/#partial-success
 */
export function withRefusals<T>(
  exporter: Exporter<T>,
  field: 'rejectedSpans' | 'rejectedLogRecords',
  refused: (error: Error, count: number, items: readonly T[]) => void,
): Exporter<T> {
  const handler = (exporter as unknown as Inside)._delegate?._responseHandler
  // Another release may lack it.
  if (typeof handler?.handleResponse !== 'function') return exporter
  let partial: PartialSuccess
  handler.handleResponse = (response) => void (partial = response.partialSuccess)
  return {
    export: (items, done) =>
      exporter.export(items, (result) => {
        // The answer was handled just before, in the same turn.
        const count = Math.min(items.length, Number(partial?.[field] ?? 0))
        const reason = String(partial?.['errorMessage'] ?? '')
        partial = undefined
        if (count > 0) refused(new Error(`the receiver refused ${count} of ${items.length}${reason && `: ${reason}`}`), count, items)
        done(result)
      }),
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
  }
}

/** The same for spans: as many as are refused are lost, and `onFailure` hears of it. */
export function withRefusedSpans(exporter: SpanExporter, lose: LoseSpan, onFailure: (error: Error) => void): SpanExporter {
  return withRefusals<ReadableSpan>(exporter, 'rejectedSpans', (error, count, spans) => {
    for (const span of spans.slice(0, count)) lose(span)
    onFailure(error)
  })
}
