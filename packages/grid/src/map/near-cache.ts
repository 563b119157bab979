import type { Clock } from '../time/clock.ts'
import type { Change, Entry, ResyncReason } from './entry.ts'
import { endsAtMs, Expiry } from './expiry.ts'
import type { KeptKeys } from './kept-keys.ts'
import type { MapIndex } from './map-index.ts'
import { SourceAges } from '../age/source-ages.ts'
import type { TraceContext } from './trace.ts'

/**
 * The near cache: this process's own copy of a map. Reading it is a `Map.get`. What other grids call by that name holds what
 * was read lately and is told when to forget it; this one is what the process asked for (the whole map, if it asked for nothing
 * less), is fed every change, and has a known age (I4).
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
  readonly #expiry: Expiry<Entry<V>>
  readonly #clock: Clock
  readonly #tell: (change: Change<V>) => void
  #silent = false
  readonly #kept: KeptKeys | undefined
  readonly #indexes = new Set<MapIndex<V>>()
  readonly #isHeard: () => boolean

  /** `kept`: the copy is bounded, and this says what goes. `isHeard`: is there anybody to be told of a put? */
  constructor(clock: Clock, tell: (change: Change<V>) => void, kept?: KeptKeys, isHeard: () => boolean = () => true) {
    this.#clock = clock
    this.#isHeard = isHeard
    this.#tell = (change) => {
      if (!this.#silent) tell(change)
    }
    this.#kept = kept
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
    if (this.#kept !== undefined) this.#kept.use(key)
    return entry !== undefined && this.isPresent(entry) ? entry : undefined
  }

  /** Is something held under the key, be it expired? */
  holds(key: string): boolean {
    return this.#entries.has(key)
  }

  /** All entries, never an expired one. */
  entries(): IterableIterator<Entry<V>> {
    const held = this.#entries.values()
    const present: IterableIterator<Entry<V>> = {
      next: () => {
        let result = held.next()
        while (!result.done && !this.isPresent(result.value)) result = held.next()
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
    if (this.#isHeard()) this.#tell(Object.freeze({ type: 'put', key: entry.key, entry, previous }))
  }

  /** The answer of an owner is kept. It is no change, so nobody is told. */
  fill(entry: Entry<V>): void {
    const held = this.#entries.get(entry.key)
    if (held === undefined || held.version < entry.version) this.#hold(entry)
  }

  /** A committed remove arrived, made at this local time. */
  remove(key: string, version: number, atMs: number, trace: TraceContext | undefined): void {
    const previous = this.#previous(key, atMs)
    if (previous !== undefined && previous.version >= version) return
    this.sources.forget(key)
    if (previous === undefined) return
    this.#drop(key)
    this.#tell(Object.freeze({ type: 'remove', key, version, previous, trace }))
  }

  /** A committed value arrived that is of no interest here: the copy goes on without the key. Its source is still heard. */
  leave(entry: Entry<V>): void {
    const { key, version, trace } = entry
    const previous = this.#previous(key, entry.acceptedAtMs)
    if (previous !== undefined && previous.version >= version) return
    this.#accept(entry)
    // Nobody will be told when its time is over: its age is kept as that of one that has expired, so only so many are (I6).
    if (entry.ttlMs !== undefined) this.sources.expire(key)
    if (previous === undefined) return
    this.#drop(key)
    this.#tell(Object.freeze({ type: 'remove', key, version, previous, trace, left: true }))
  }

  /** Files what is held, and from now on every change. */
  addIndex(index: MapIndex<V>): void {
    this.#indexes.add(index)
    for (const entry of this.#entries.values()) index.put(entry)
  }

  removeIndex(index: MapIndex<V>): void {
    this.#indexes.delete(index)
  }

  /** Changes may have been missed: the whole present state replaces the copy. What is not wanted is heard, but not held. */
  reset(reason: ResyncReason, entries: Iterable<Entry<V>>, wants: (entry: Entry<V>) => boolean = () => true): void {
    const gone = new Set(this.#entries.keys())
    this.clear()
    for (const entry of entries) {
      gone.delete(entry.key)
      if (wants(entry)) this.#hold(entry)
      else this.#accept(entry)
    }
    for (const key of gone) this.sources.forget(key)
    this.#tell(Object.freeze({ type: 'resync', reason, entries: this.snapshot() }))
  }

  /** Changes were missed: what `apply` does is told as one resync. */
  patch(reason: ResyncReason, apply: () => void): void {
    this.#silent = true
    try {
      apply()
    } finally {
      this.#silent = false
    }
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
    this.#kept?.clear()
    for (const index of this.#indexes) index.clear()
  }

  /** Is its time not over yet? */
  isPresent(entry: Entry<V>): boolean {
    return entry.ttlMs === undefined || endsAtMs(entry) > this.#clock.now()
  }

  #hold(entry: Entry<V>): void {
    const gone = this.#kept?.keep(entry.key)
    if (gone !== undefined) this.#entries.delete(gone)
    this.#entries.set(entry.key, entry)
    if (entry.ttlMs !== undefined) this.#expiry.add(entry)
    for (const index of this.#indexes) index.put(entry)
    this.#accept(entry)
  }

  #accept({ key, source, writer, acceptedAtMs }: Entry<V>): void {
    if (source !== undefined) this.sources.accept(key, source, writer, acceptedAtMs)
  }

  #drop(key: string): void {
    this.#entries.delete(key)
    this.#kept?.drop(key)
    for (const index of this.#indexes) index.drop(key)
  }

  // What a change finds. Its time may be over although the timer has not run yet: then it was not replaced, it expired.
  #previous(key: string, atMs: number): Entry<V> | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined || endsAtMs(entry) > atMs) return entry
    this.#expire(entry)
    return undefined
  }

  #expire(entry: Entry<V>): void {
    this.#drop(entry.key)
    this.sources.expire(entry.key)
    this.#tell(Object.freeze({ type: 'expire', key: entry.key, version: entry.version, previous: entry }))
  }
}
