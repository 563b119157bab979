import type { Link } from '@opentelemetry/api'
import type { Extra } from './parts.ts'

/** A record of a kept trace that another thread is to make a span of. Only what a message between threads can carry. */
export interface HandedRecord {
  /** Its number in the ring. */
  readonly seq: number
  /** The number of its trace. */
  readonly trace: number
  readonly extra: Extra | undefined
  readonly links: readonly Link[]
  /** Why the trace was kept: on its first span. */
  readonly reason: string | undefined
  /** Instead of a span of its own: the trace has as many as it may. */
  readonly maxSpans: number | undefined
}

/** What of `extra` another thread can be given: neither a span of an instrumentation nor a link, which it gets otherwise. */
export function portable(extra: Extra | undefined): Extra | undefined {
  if (extra === undefined) return undefined
  const { error, attributes, decision } = extra
  return {
    ...(error === undefined ? {} : { error }),
    ...(attributes === undefined ? {} : { attributes }),
    ...(decision === undefined ? {} : { decision: { ...decision } }),
  }
}
