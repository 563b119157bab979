import type { Attributes } from '@opentelemetry/api'

/** Letters of a message and of a stack that are held, each. */
const LONGEST = 16_384

/**
 * What a span tells of an error, as an error of its own: the one that was thrown leads to requests, answers and causes, which would all be
 * held as long as the record. A message between threads can carry it. Never throws.
 */
export function plainError(error: unknown): unknown {
  try {
    if (!(error instanceof Error)) return String(error).slice(0, LONGEST)
    const copy = new Error(String(error.message).slice(0, LONGEST))
    copy.name = String(error.name)
    copy.stack = String(error.stack).slice(0, LONGEST)
    const { code } = error as { readonly code?: unknown }
    return typeof code === 'string' || typeof code === 'number' ? Object.assign(copy, { code }) : copy
  } catch {
    return 'something without a text'
  }
}

/** What of attributes is one: plain values, and arrays of these. Never throws; none where reading them does. */
export function plainAttributes(attributes: object | undefined): Attributes {
  try {
    const entries = Object.entries(attributes ?? {}).filter(([, value]) => (Array.isArray(value) ? value.every(isPlain) : isPlain(value)))
    return Object.fromEntries(entries.map(([name, value]) => [name, Array.isArray(value) ? [...(value as readonly unknown[])] : value]))
  } catch {
    return {}
  }
}

function isPlain(value: unknown): boolean {
  return ['string', 'number', 'boolean'].includes(typeof value)
}
