import type { Attributes } from '@opentelemetry/api'
import { ownText } from '../own-text.ts'

/** Letters of a message and of a stack that are held, each; and of a name or code. */
const LONGEST = 16_384
const LONGEST_NAME = 512

/**
 * What a span tells of an error, as an error of its own: the one that was thrown leads to requests, answers and causes, which would all be
 * held as long as the record. A message between threads can carry it. Never throws.
 */
export function plainError(error: unknown): unknown {
  try {
    if (!(error instanceof Error)) return ownText(String(error), LONGEST)
    const copy = new Error(ownText(String(error.message), LONGEST))
    copy.name = ownText(String(error.name), LONGEST_NAME)
    copy.stack = ownText(String(error.stack), LONGEST)
    const { code } = error as { readonly code?: unknown }
    if (typeof code === 'string') return Object.assign(copy, { code: ownText(code, LONGEST_NAME) })
    return typeof code === 'number' ? Object.assign(copy, { code }) : copy
  } catch {
    return 'something without a text'
  }
}

/** What of attributes is one: plain values, and arrays of these. Never throws; none where reading them does. */
export function plainAttributes(attributes: object | undefined): Attributes {
  try {
    const entries = Object.entries(attributes ?? {}).filter(([, value]) => (Array.isArray(value) ? value.every(isPlain) : isPlain(value)))
    return Object.fromEntries(entries.map(([name, value]) => [name, ownValue(value)])) as Attributes
  } catch {
    return {}
  }
}

function ownValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((each: unknown) => ownValue(each))
  return typeof value === 'string' ? ownText(value) : value
}

function isPlain(value: unknown): boolean {
  return ['string', 'number', 'boolean'].includes(typeof value)
}
