import type { Extra } from './parts.ts'

/** The heap an object takes, and a number in it. */
const OBJECT_BYTES = 64
const VALUE_BYTES = 16

/** Bytes that a value holds on the heap, about: two for each letter at most. */
function bytesOf(value: unknown): number {
  if (typeof value === 'string') return VALUE_BYTES + 2 * value.length
  if (Array.isArray(value)) return value.reduce((sum: number, each: unknown) => sum + bytesOf(each), VALUE_BYTES)
  return VALUE_BYTES
}

function bytesOfExtra({ error, attributes }: Extra): number {
  const values = attributes === undefined ? [] : Object.entries(attributes).flat()
  return OBJECT_BYTES + bytesOf(values) + (error instanceof Error ? bytesOf([error.message, error.stack]) : bytesOf(error))
}

/**
 * What does not fit into records, by their numbers, on the heap. Bounded in bytes (I6): what comes with a reading may be a picture's text,
 * and a full ring of these more than the process has. The oldest go first.
 */
export class Extras {
  readonly #maxBytes: number
  readonly #held = new Map<number, { readonly extra: Extra; readonly bytes: number }>()
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get(seq: number): Extra | undefined {
    return this.#held.get(seq)?.extra
  }

  set(seq: number, extra: Extra): void {
    this.delete(seq)
    const bytes = bytesOfExtra(extra)
    this.#held.set(seq, { extra, bytes })
    this.#bytes += bytes
    for (const oldest of this.#held.keys()) {
      if (this.#bytes <= this.#maxBytes) break
      this.delete(oldest)
    }
  }

  delete(seq: number): void {
    const held = this.#held.get(seq)
    if (held === undefined) return
    this.#bytes -= held.bytes
    this.#held.delete(seq)
  }

  /** All up to that record: it was overwritten. */
  deleteUntil(last: number): void {
    // In the order they were written, but for the few that were set later.
    for (const seq of this.#held.keys()) {
      if (seq > last) break
      this.delete(seq)
    }
  }
}
