import type { Change, ResyncChange } from '../map/entry.ts'

/** A change of one key. */
export type KeyChange<V> = Exclude<Change<V>, ResyncChange<V>>

/** The undelivered changes of a watcher. */
export interface ChangeQueue<V> {
  readonly size: number
  push(change: KeyChange<V>): void
  /** Gives all, in order, and is empty after. */
  take(): Iterable<KeyChange<V>>
}

export function createQueue<V>(coalesce: boolean): ChangeQueue<V> {
  return coalesce ? new NewestPerKey<V>() : new Everything<V>()
}

class Everything<V> implements ChangeQueue<V> {
  #changes: KeyChange<V>[] = []

  get size(): number {
    return this.#changes.length
  }

  push(change: KeyChange<V>): void {
    this.#changes.push(change)
  }

  take(): Iterable<KeyChange<V>> {
    const taken = this.#changes
    this.#changes = []
    return taken
  }
}

class NewestPerKey<V> implements ChangeQueue<V> {
  #changes = new Map<string, KeyChange<V>>()

  get size(): number {
    return this.#changes.size
  }

  push(change: KeyChange<V>): void {
    // A Map keeps the order of insertion: deleted first, the newest change of a key stands at the newest place.
    this.#changes.delete(change.key)
    this.#changes.set(change.key, change)
  }

  take(): Iterable<KeyChange<V>> {
    const taken = this.#changes
    this.#changes = new Map()
    return taken.values()
  }
}
