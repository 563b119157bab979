import type { Clock } from './clock.ts'
import type { Codec } from './codec.ts'
import type { DriverChange, DriverFeed, DriverRecord } from './driver.ts'
import type { Change, Entry, ResyncChange } from './entry.ts'
import { GridError } from './errors.ts'
import { LocalPut } from './local-write.ts'
import { NearCache } from './near-cache.ts'
import type { ResolvedMapOptions } from './options.ts'
import { readEntry } from './stored-entry.ts'
import type { TraceContext } from './trace.ts'

export interface ReplicaOptions<V> {
  readonly map: string
  readonly codec: Codec
  readonly clock: Clock
  readonly options: ResolvedMapOptions<V>
  readonly tell: (change: Change<V>) => void
}

/**
 * What the backend feeds, made into entries of the near cache. A stored object that this process cannot read (I9) is kept
 * out of the near cache, as if removed, and remembered: reading or writing its key throws the reason.
 */
export class Replica<V> implements DriverFeed {
  readonly near: NearCache<V>
  readonly #options: ReplicaOptions<V>
  readonly #unreadable = new Map<string, GridError>()

  constructor(options: ReplicaOptions<V>) {
    this.#options = options
    this.near = new NearCache(options.clock, options.tell)
  }

  change(change: DriverChange): void {
    if (this.#unreadable.size > 0) this.#unreadable.delete(change.key)
    if (change.type === 'put') return this.#put(change)
    this.near.remove(change.key, change.version, change.atMs, this.#traceOf(change))
  }

  load(records: Iterable<DriverRecord>, reason?: ResyncChange<V>['reason']): void {
    this.#unreadable.clear()
    if (reason === undefined) for (const record of records) this.#put(record)
    else this.near.reset(reason, this.#readable(records))
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
    return held?.version === record.version ? held : readEntry(record, this.#options.codec, this.#options.map, this.#options.options)
  }

  #put(record: DriverRecord | DriverChange): void {
    const entry = this.#toEntry(record)
    if (entry !== undefined) this.near.put(entry)
    else this.near.remove(record.key, record.version, record.atMs, undefined)
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
      return readEntry(record, this.#options.codec, this.#options.map, this.#options.options)
    } catch (error) {
      this.#unreadable.set(record.key, error as GridError)
      return undefined
    }
  }

  #traceOf(change: DriverChange): TraceContext | undefined {
    try {
      return this.#options.codec.read(change.bytes).header.trace
    } catch {
      // The key is gone whatever its mark says; only the cause is unknown.
      return undefined
    }
  }
}
