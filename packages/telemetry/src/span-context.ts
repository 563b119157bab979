import { INVALID_SPANID, INVALID_TRACEID, ROOT_CONTEXT, trace, type Context, type Span } from '@opentelemetry/api'
import type { TraceContext } from '@stigmergy/grid'

/**
 * The OTel context whose active span is that remote parent. Built on the root context, never on the active one:
 * ours travels in messages and entries, so an AsyncLocalStorage the user may have has no say (and costs us nothing).
 */
export function toOtelContext(parent: TraceContext | undefined): Context {
  if (parent === undefined || parent.traceId === INVALID_TRACEID) return ROOT_CONTEXT
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId: parent.traceId,
    spanId: parent.spanId,
    traceFlags: parent.traceFlags,
    isRemote: true,
  })
}

/** What messages and entries carry of a span. */
export function traceContextOf(span: Span): TraceContext {
  const { traceId, spanId, traceFlags } = span.spanContext()
  return { traceId, spanId, traceFlags }
}

/** The ids that W3C Trace Context calls invalid: whoever reads them begins a trace of its own. */
export const NO_TRACE: TraceContext = Object.freeze({ traceId: INVALID_TRACEID, spanId: INVALID_SPANID, traceFlags: 0 })

/** True for what can be the context of a trace: what users hand over is called in actions, where it must not throw (I7). */
export function isContext(given: unknown): given is TraceContext {
  if (typeof given !== 'object' || given === null) return false
  const { traceId, spanId } = given as Partial<TraceContext>
  return typeof traceId === 'string' && typeof spanId === 'string'
}
