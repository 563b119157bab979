import type { Change, Entry, ResyncReason } from '../map/entry.ts'
import type { ResolvedWatchOptions } from '../options.ts'
import { createQueue, type ChangeQueue, type KeyChange } from './queue.ts'
import { strongerReason } from './stronger-reason.ts'

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
  readonly #queue: ChangeQueue<V>
  /** The strongest reason of the resync that waits: one that came after it is part of it. */
  #resync: ResyncReason | undefined
  #scheduled = false
  #closed = false

  constructor(options: WatcherOptions<V>) {
    this.#options = options
    this.#queue = createQueue(options.coalesce)
  }

  tell(change: Change<V>): void {
    if (this.#closed) return
    if (change.type === 'resync') return this.#startResync(change.reason)
    if (this.#resync !== undefined) return
    if (!this.#wants(change)) return
    this.#queue.push(change)
    if (this.#queue.size > this.#options.capacity) this.#startResync('overflow')
    else this.#schedule()
  }

  close(): void {
    this.#closed = true
    this.#queue.take()
  }

  #startResync(reason: ResyncReason): void {
    this.#queue.take()
    this.#resync = strongerReason(this.#resync, reason)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => this.#deliver())
  }

  // What comes in meanwhile, also from the listener itself, is delivered by the next microtask: other watchers get their turn.
  #deliver(): void {
    this.#scheduled = false
    if (this.#resync !== undefined) return this.#deliverResync(this.#resync)
    for (const change of this.#queue.take()) this.#call(change)
  }

  #deliverResync(reason: ResyncReason): void {
    this.#resync = undefined
    const entries = new Map<string, Entry<V>>()
    for (const entry of this.#options.present()) if (this.#matches(entry)) entries.set(entry.key, entry)
    this.#call(Object.freeze({ type: 'resync', reason, entries }))
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

  #wants(change: KeyChange<V>): boolean {
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
