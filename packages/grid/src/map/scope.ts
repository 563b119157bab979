import type { Entry } from './entry.ts'
import type { Guests } from '../guests.ts'
import type { ResolvedMapOptions } from './map-options.ts'

/**
 * Which part of a map this process holds: all of it, the keys with a prefix, the entries that satisfy a predicate, or a bounded
 * number of what it read. It decides what a miss means: that there is nothing, or that the owner has to be asked.
 */
export class Scope<V> {
  readonly #map: string
  readonly #options: ResolvedMapOptions<V>
  readonly #guests: Guests

  constructor(map: string, options: ResolvedMapOptions<V>, guests: Guests) {
    this.#map = map
    this.#options = options
    this.#guests = guests
  }

  /** The whole map: a backend without an owner to ask is enough. */
  get whole(): boolean {
    const { interestPrefix, interestWhere, maxEntries } = this.#options
    return interestPrefix === undefined && interestWhere === undefined && maxEntries === undefined
  }

  /** Is every change of this key read, whether it is held or not? Then its source can be judged (I4). */
  follows(key: string): boolean {
    return this.#options.maxEntries === undefined && this.wantsKey(key)
  }

  /** Is it certain that a key which is not held does not exist? */
  covers(key: string): boolean {
    return this.follows(key) && this.#options.interestWhere === undefined
  }

  /** Looked at before anything is decoded. */
  wantsKey(key: string): boolean {
    const { interestPrefix } = this.#options
    return interestPrefix === undefined || key.startsWith(interestPrefix)
  }

  /** Of a predicate that throws nothing is known, so the entry is held: rather one too many than a gap (I5). */
  wants(entry: Entry<V>): boolean {
    const { interestWhere } = this.#options
    if (interestWhere === undefined) return true
    try {
      return interestWhere(entry)
    } catch (error) {
      this.#guests.listenerError(this.#map, error)
      return true
    }
  }
}
