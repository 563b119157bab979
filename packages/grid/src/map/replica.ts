import type { Clock } from '../time/clock.ts'
import type { Codec, Header } from './codec.ts'
import type { DriverChange, DriverFeed, DriverRecord } from '../driver.ts'
import type { Change, Entry, ResyncReason } from './entry.ts'
import { GridError } from '../errors.ts'
import type { HybridClock } from '../time/hybrid-clock.ts'
import { KeptKeys } from './kept-keys.ts'
import { LocalPut } from './local-write.ts'
import type { ResolvedMapOptions } from './map-options.ts'
import { NearCache } from './near-cache.ts'
import { Reading } from './reading.ts'
import type { Scope } from './scope.ts'
import { readEntry } from './stored-entry.ts'
import { Tombstones } from './tombstones.ts'

export interface ReplicaOptions<V> {
  readonly map: string
  readonly codec: Codec
  readonly clock: Clock
  readonly hybrid: HybridClock
  readonly scope: Scope<V>
  readonly options: ResolvedMapOptions<V>
  readonly tell: (change: Change<V>) => void
  /** Is there anybody to be told of a put? */
  readonly isHeard: () => boolean
}

/**
 * What the backend feeds, made into entries of the near cache, as far as they are of interest here. A stored object that this
 * process cannot read (I9) is kept out of the near cache, as if removed, and remembered: reading or writing its key throws
 * the reason.
 */
export class Replica<V> implements DriverFeed {
  readonly near: NearCache<V>
  readonly reading: Reading = new Reading()
  readonly tombstones: Tombstones
  readonly unheld: boolean
  readonly schemaVersion: number
  /** Set in a map with `maxEntries`. */
  readonly kept: KeptKeys | undefined
  readonly #options: ReplicaOptions<V>
  readonly #unreadable = new Map<string, GridError>()
  #loaded = false
  #loading = false

  constructor(options: ReplicaOptions<V>) {
    this.#options = options
    this.unheld = options.scope.nothing
    this.schemaVersion = options.options.schemaVersion
    const { maxEntries, tombstoneMs } = options.options
    this.kept = maxEntries === undefined ? undefined : new KeptKeys(maxEntries)
    this.near = new NearCache(options.clock, options.tell, this.kept, options.isHeard)
    this.tombstones = new Tombstones(tombstoneMs)
  }

  /** Has the copy been given the map at all? */
  get loaded(): boolean {
    return this.#loaded
  }

  change(change: DriverChange): void {
    if (this.#unreadable.size > 0) this.#unreadable.delete(change.key)
    if (change.type === 'put') {
      if (this.#holds(change.key)) this.#put(change)
      return
    }
    const header = this.#headerOf(change)
    this.#bury(change, header)
    this.reading.removed(change.key, change.version)
    this.near.remove(change.key, change.version, change.atMs, header?.trace)
  }

  loading(records: Iterable<DriverRecord>): void {
    this.#loading = true
    for (const record of records) if (this.#holds(record.key)) this.#put(record)
  }

  load(records: Iterable<DriverRecord>, reason?: ResyncReason): void {
    this.#loaded = true
    // What cannot be read of the parts before stays known.
    if (!this.#loading || reason !== undefined) this.#unreadable.clear()
    this.#loading = false
    this.reading.reset()
    // Asked of all before the copy is emptied: what a bounded copy holds is what it goes on holding.
    const held = Array.from(records).filter(({ key }) => this.#holds(key))
    if (reason !== undefined) this.near.reset(reason, this.#readable(held), (entry) => this.#options.scope.wants(entry))
    else for (const record of held) this.#put(record)
  }

  patch(changes: Iterable<DriverChange>, reason: ResyncReason): void {
    this.near.patch(reason, () => {
      for (const change of changes) this.change(change)
    })
  }

  /** Throws the reason if what is stored under the key cannot be read here. */
  checkReadable(key: string): void {
    if (this.#unreadable.size === 0) return
    const error = this.#unreadable.get(key)
    if (error !== undefined) throw new GridError(error.code, error.message, { cause: error })
  }

  /** The record as an entry: the very one of the near cache if it is that. */
  read(record: DriverRecord): Entry<V> {
    const held = this.near.peek(record.key)
    return held?.version === record.version ? held : this.#decode(record)
  }

  // A bounded copy takes in what it holds, and what is on its way in.
  #holds(key: string): boolean {
    if (this.kept !== undefined) return this.near.holds(key) || this.reading.has(key)
    return this.#options.scope.wantsKey(key)
  }

  #put(record: DriverRecord | DriverChange): void {
    const entry = this.#toEntry(record)
    if (entry === undefined) return this.near.remove(record.key, record.version, record.atMs, undefined)
    // Of two stamps that are alike the first one counts.
    const { heardAtMs = record.atMs } = record
    if (entry.source !== undefined && heardAtMs < record.atMs) this.near.sources.accept(record.key, entry.source, entry.writer, heardAtMs)
    if (this.#options.scope.wants(entry)) this.near.put(entry)
    else this.near.leave(entry)
  }

  *#readable(records: Iterable<DriverRecord>): Iterable<Entry<V>> {
    for (const record of records) {
      const entry = this.#toEntry(record)
      if (entry !== undefined) yield entry
    }
  }

  #toEntry(record: DriverRecord | DriverChange): Entry<V> | undefined {
    if ('write' in record && record.write instanceof LocalPut) return (record.write as LocalPut<V>).entry(record.version, record.atMs)
    try {
      return this.#decode(record)
    } catch (error) {
      this.#unreadable.set(record.key, error as GridError)
      return undefined
    }
  }

  #decode(record: DriverRecord): Entry<V> {
    const entry = readEntry(record, this.#options.codec, this.#options.map, this.#options.options)
    if (entry.stamps !== undefined) this.#options.hybrid.see(entry.stamps.at)
    return entry
  }

  #bury({ key, version }: DriverChange, header: Header | undefined): void {
    if (header?.stamps === undefined) return
    const { at } = header.stamps
    this.#options.hybrid.see(at)
    if (this.#options.options.merge !== undefined) {
      this.tombstones.add(key, { version, at, writer: header.writer }, this.#options.clock.now())
    }
  }

  // The key is gone whatever its mark says; only the cause is then unknown.
  #headerOf(change: DriverChange): Header | undefined {
    try {
      return this.#options.codec.read(change.bytes).header
    } catch {
      return undefined
    }
  }
}
