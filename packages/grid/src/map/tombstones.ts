import { isLater } from './merge.ts'

export interface Tombstone {
  readonly version: number
  readonly writer: string
  /** The remove's stamp. */
  readonly at: number
}

interface Kept extends Tombstone {
  readonly endsAtMs: number
}

/**
 * What was removed lately, and when by the writers' clocks: a write that is older but comes later must not bring it back.
 * Each is kept for a while, and only so many of them (I6).
 */
export class Tombstones {
  readonly #kept = new Map<string, Kept>()
  readonly #keptMs: number
  readonly #limit: number

  constructor(keptMs: number, limit = 65_536) {
    this.#keptMs = keptMs
    this.#limit = limit
  }

  get size(): number {
    return this.#kept.size
  }

  add(key: string, tombstone: Tombstone, nowMs: number): void {
    // All are kept equally long, and a Map keeps the order of insertion: what ends first stands first.
    this.#kept.delete(key)
    this.#kept.set(key, { ...tombstone, endsAtMs: nowMs + this.#keptMs })
    for (const [oldest, { endsAtMs }] of this.#kept) {
      if (endsAtMs > nowMs && this.#kept.size <= this.#limit) break
      this.#kept.delete(oldest)
    }
  }

  /** The remove that this write comes too late for. */
  later(key: string, at: number, writer: string, nowMs: number): Tombstone | undefined {
    const kept = this.#kept.get(key)
    if (kept === undefined || kept.endsAtMs <= nowMs) return undefined
    return isLater(at, writer, kept.at, kept.writer) ? undefined : kept
  }
}
