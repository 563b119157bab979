import { lasting } from './storable.ts'

type Data = Readonly<Record<string, unknown>>

/** An error, what it has of its own besides its name, message and cause, and what of that is hidden from `for in`. */
export type ErrorRow = readonly [error: Error, data: Data, hidden?: Data]

/** What the packer keeps of an error, and what it makes anew. */
const PACKED: ReadonlySet<string> = new Set(['name', 'message', 'cause', 'stack', '__proto__'])

/**
 * What the packer would lose of the errors in it: `code` and whatever else they carry that is data, once each. What cannot be stored of
 * an error (a socket, a function) is left out: the rest is worth having.
 */
export function errorRows(value: unknown): readonly ErrorRow[] {
  const rows: ErrorRow[] = []
  collect(value, new Set(), rows)
  return rows
}

function collect(value: unknown, seen: Set<object>, rows: ErrorRow[]): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return
  seen.add(value)
  if (value instanceof Error) collectError(value, seen, rows)
  else if (value instanceof Map) for (const [key, inner] of value) for (const each of [key, inner]) collect(each, seen, rows)
  else if (value instanceof Set || Array.isArray(value)) for (const inner of value) collect(inner, seen, rows)
  else if (!ArrayBuffer.isView(value)) for (const inner of Object.values(value)) collect(inner, seen, rows)
}

function collectError(error: Error, seen: Set<object>, rows: ErrorRow[]): void {
  const data: Record<string, unknown> = {}
  for (const [name, inner] of Object.entries(error)) if (!PACKED.has(name) && mayStay(inner)) data[name] = inner
  // The packer takes its message for its errors.
  const hidden =
    error instanceof AggregateError ? { message: error.message, errors: error.errors.filter(mayStay), cause: error.cause } : undefined
  if (hidden !== undefined) rows.push([error, data, hidden])
  else if (Object.keys(data).length > 0) rows.push([error, data])
  for (const inner of [error.cause, data, hidden?.errors]) collect(inner, seen, rows)
}

function mayStay(value: unknown): boolean {
  return value instanceof Error || lasting(value) !== 'lost'
}

/** Gives the errors back what was theirs. The packer knows each of them as the one that was met before. */
export function restoreErrors(rows: readonly ErrorRow[]): void {
  for (const [error, data, hidden = {}] of rows) {
    Object.assign(error, data)
    for (const [name, value] of Object.entries(hidden)) {
      Object.defineProperty(error, name, { value, enumerable: false, writable: true, configurable: true })
    }
  }
}
