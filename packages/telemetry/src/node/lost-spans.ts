import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import type { Tally } from '../tally.ts'

/** A span, as far as it is known where it gets lost. */
export type Losable = Pick<ReadableSpan, 'spanContext'>

/** Notes that an exporter or processor will not have this span. */
export type LoseSpan = (span: Losable) => void

/** Where lost spans are counted. */
export interface LostSpans {
  /** Counts spans of the trace with that id or number. @default spans 1 */
  readonly dropped: (trace: string | number, spans?: number) => void
  /** Counts a span, once: several exporters may lack it. */
  readonly lose: LoseSpan
}

/** `lacks`: is told of each trace that is not whole any more (I6). */
export function createLostSpans(tally: Tally, lacks: (trace: string | number) => void): LostSpans {
  const known = new WeakSet<Losable>()
  const dropped: LostSpans['dropped'] = (trace, spans = 1) => {
    tally.dropped.span += spans
    lacks(trace)
  }
  return {
    dropped,
    lose(span) {
      if (known.has(span)) return
      known.add(span)
      dropped(span.spanContext().traceId)
    },
  }
}
