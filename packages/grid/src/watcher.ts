import type { Change, Entry, ResyncChange } from './entry.ts'
import type { ResolvedWatchOptions } from './options.ts'

export interface WatcherOptions<V> extends ResolvedWatchOptions<V> {
  readonly listener: (change: Change<V>) => unknown
  /** The present entries, read when a resync is delivered. */
  readonly present: () => Iterable<Entry<V>>
  readonly onError: (error: unknown) => void
}

/**
 * One watch: a bounded queue between the writer's stack and the listener. Changes are delivered in a microtask after the
 * commit, in commit order. A queue that is full is dropped for one `resync` with the state at its delivery; changes told
 * until then are part of that state (I5, I6).
 */
export class Watcher<V> {
  readonly #options: WatcherOptions<V>
  /** By key if coalescing, else by a running number. A Map keeps the order of insertion. */
  #queue = new Map<string | number, Change<V>>()
  #told = 0
  #resync: ResyncChange<V>['reason'] | undefined
  #scheduled = false
  #closed = false

  constructor(options: WatcherOptions<V>) {
    this.#options = options
  }

  tell(change: Change<V>): void {
    if (this.#resync !== undefined || this.#closed) return
    if (change.type === 'resync') return this.#startResync(change.reason)
    if (!this.#wants(change)) return
    const slot = this.#options.coalesce ? change.key : this.#told++
    // Deleted first, so that the newest change of a key stands at the newest place.
    if (this.#options.coalesce) this.#queue.delete(slot)
    this.#queue.set(slot, change)
    if (this.#queue.size > this.#options.capacity) this.#startResync('overflow')
    else this.#schedule()
  }

  close(): void {
    this.#closed = true
    this.#queue.clear()
  }

  #startResync(reason: ResyncChange<V>['reason']): void {
    this.#queue.clear()
    this.#resync = reason
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => this.#deliver())
  }

  #deliver(): void {
    this.#scheduled = false
    const queue = this.#queue
    this.#queue = new Map()
    if (this.#resync !== undefined) {
      const entries = new Map<string, Entry<V>>()
      for (const entry of this.#options.present()) if (this.#matches(entry)) entries.set(entry.key, entry)
      const reason = this.#resync
      this.#resync = undefined
      this.#call(Object.freeze({ type: 'resync', reason, entries }))
    }
    for (const change of queue.values()) this.#call(change)
  }

  #call(change: Change<V>): void {
    if (this.#closed) return
    try {
      const result = this.#options.listener(change)
      // An async listener is allowed; its failure must not end the process.
      if (result instanceof Promise) result.catch(this.#options.onError)
    } catch (error) {
      this.#options.onError(error)
    }
  }

  #wants(change: Exclude<Change<V>, ResyncChange<V>>): boolean {
    if (this.#options.where === undefined) return true
    if (change.type === 'put' && this.#matches(change.entry)) return true
    return change.previous !== undefined && this.#matches(change.previous)
  }

  // Of a `where` that throws nothing is known, so the change is told: rather one too many than a gap (I5).
  #matches(entry: Entry<V>): boolean {
    try {
      return this.#options.where?.(entry) ?? true
    } catch (error) {
      this.#options.onError(error)
      return true
    }
  }
}
