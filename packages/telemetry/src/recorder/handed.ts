import type { Attributes, Link } from '@opentelemetry/api'
import type { Extra } from './parts.ts'

/** A record of a kept trace that another thread is to make a span of. Only what a message between threads can carry. */
export interface HandedRecord {
  /** Its number in the ring. */
  readonly seq: number
  /** The number of its trace. */
  readonly trace: number
  readonly extra: Extra | undefined
  readonly links: readonly Link[]
  readonly plan: string | undefined
  /** Why the trace was kept: on its first span. */
  readonly reason: string | undefined
  /** Instead of a span of its own: the trace has as many as it may. */
  readonly maxSpans: number | undefined
}

/** What of `extra` another thread can be given: an error as one, everything else as text or plain values. */
export function portable(extra: Extra | undefined): Extra | undefined {
  if (extra === undefined) return undefined
  const { error, attributes, decision } = extra
  return {
    ...(error === undefined ? {} : { error: portableError(error) }),
    ...(attributes === undefined ? {} : { attributes: portableAttributes(attributes) }),
    ...(decision === undefined ? {} : { decision: { ...decision } }),
  }
}

function portableError(error: unknown): unknown {
  try {
    if (!(error instanceof Error)) return String(error)
    const copy = new Error(String(error.message))
    copy.name = String(error.name)
    copy.stack = String(error.stack)
    return copy
  } catch {
    return 'something without a text'
  }
}

/** Arrays of plain values too; nothing else is an attribute. */
function portableAttributes(attributes: object): Attributes {
  const isPlain = (value: unknown): boolean => ['string', 'number', 'boolean'].includes(typeof value)
  const entries = Object.entries(attributes).filter(([, value]) => (Array.isArray(value) ? value.every(isPlain) : isPlain(value)))
  return Object.fromEntries(entries.map(([name, value]) => [name, Array.isArray(value) ? [...(value as readonly unknown[])] : value]))
}
