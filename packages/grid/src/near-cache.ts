import type { Clock } from './clock.ts'
import type { Change, Entry, ResyncChange } from './entry.ts'
import { endsAtMs, Expiry } from './expiry.ts'
import { SourceAges } from './source-ages.ts'
import type { TraceContext } from './trace.ts'

/**
 * The near cache: this process's own copy of a map. Reading it is a `Map.get`. What other grids call by that name holds what
 * was read lately and is told when to forget it; this one holds the whole map, is fed every change, and has a known age (I4).
 *
 * Changes come in from the backend, in commit order per key. Each one that is news changes the copy and is told once,
 * in that order: what a reader can see, a watcher is told of (I5). Entries are frozen and shared by all readers.
 *
 * An entry lives until its time to live ends, to the millisecond. Three places keep that: a read compares with the clock
 * (so nobody is shown an expired entry because a timer is late), a timer ends entries that nobody reads, and a write to
 * an expired key first ends what was there.
 */
export class NearCache<V> {
  /** How long ago each source last said something new (I4). */
  readonly sources: SourceAges = new SourceAges()
  readonly #entries = new Map<string, Entry<V>>()
  readonly #expiry: Expiry<V>
  readonly #clock: Clock
  readonly #tell: (change: Change<V>) => void

  constructor(clock: Clock, tell: (change: Change<V>) => void) {
    this.#clock = clock
    this.#tell = tell
    this.#expiry = new Expiry({
      clock,
      isPresent: (entry) => this.#entries.get(entry.key) === entry,
      presentCount: () => this.#entries.size,
      onDue: (entry) => this.#expire(entry),
    })
  }

  /** The entry, never an expired one. An entry without time to live costs no look at the clock. */
  peek(key: string): Entry<V> | undefined {
    const entry = this.#entries.get(key)
    return entry !== undefined && this.#isPresent(entry) ? entry : undefined
  }

  /** All entries, never an expired one. */
  entries(): IterableIterator<Entry<V>> {
    const held = this.#entries.values()
    const present: IterableIterator<Entry<V>> = {
      next: () => {
        let result = held.next()
        while (!result.done && !this.#isPresent(result.value)) result = held.next()
        return result
      },
      [Symbol.iterator]: () => present,
    }
    return present
  }

  get size(): number {
    this.#expiry.sweep()
    return this.#entries.size
  }

  /** A committed value arrived. */
  put(entry: Entry<V>): void {
    const previous = this.#previous(entry.key, entry.acceptedAtMs)
    if (previous !== undefined && previous.version >= entry.version) return
    this.#hold(entry)
    this.#tell(Object.freeze({ type: 'put', key: entry.key, entry, previous }))
  }

  /** A committed remove arrived, made at this local time. */
  remove(key: string, version: number, atMs: number, trace: TraceContext | undefined): void {
    const previous = this.#previous(key, atMs)
    if (previous !== undefined && previous.version >= version) return
    this.sources.forget(key)
    if (previous === undefined) return
    this.#entries.delete(key)
    this.#tell(Object.freeze({ type: 'remove', key, version, previous, trace }))
  }

  /** Changes may have been missed: the whole present state replaces the copy. */
  reset(reason: ResyncChange<V>['reason'], entries: Iterable<Entry<V>>): void {
    const before = [...this.#entries.keys()]
    this.clear()
    for (const entry of entries) this.#hold(entry)
    for (const key of before) if (!this.#entries.has(key)) this.sources.forget(key)
    this.#tell(Object.freeze({ type: 'resync', reason, entries: this.snapshot() }))
  }

  /** All present entries by key. */
  snapshot(): ReadonlyMap<string, Entry<V>> {
    return new Map(Array.from(this.entries(), (entry) => [entry.key, entry]))
  }

  /** Forgets all entries and stops the timer. Nobody is told. */
  clear(): void {
    this.#entries.clear()
    this.#expiry.clear()
  }

  #isPresent(entry: Entry<V>): boolean {
    return entry.ttlMs === undefined || endsAtMs(entry) > this.#clock.now()
  }

  #hold(entry: Entry<V>): void {
    this.#entries.set(entry.key, entry)
    if (entry.ttlMs !== undefined) this.#expiry.add(entry)
    if (entry.source !== undefined) this.sources.accept(entry.key, entry.source, entry.writer, entry.acceptedAtMs)
  }

  // What a change finds. Its time may be over although the timer has not run yet: then it was not replaced, it expired.
  #previous(key: string, atMs: number): Entry<V> | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined || endsAtMs(entry) > atMs) return entry
    this.#expire(entry)
    return undefined
  }

  #expire(entry: Entry<V>): void {
    this.#entries.delete(entry.key)
    this.sources.expire(entry.key)
    this.#tell(Object.freeze({ type: 'expire', key: entry.key, version: entry.version, previous: entry }))
  }
}
