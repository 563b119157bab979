import type { Entry } from './entry.ts'
import { GridError, quote } from '../errors.ts'
import type { Guests } from '../guests.ts'
import type { ResolvedMapOptions } from './map-options.ts'

/**
 * Which part of a map this process holds: all of it, the keys with a prefix, the entries that satisfy a predicate, a bounded
 * number of what it read, or nothing. It decides what a miss means: that there is nothing, or that the owner has to be asked.
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
    return interestPrefix === undefined && interestWhere === undefined && maxEntries === undefined && !this.nothing
  }

  /** Every read is the owner's, and nothing need be heard. */
  get nothing(): boolean {
    return this.#options.holdsNothing
  }

  /** Is every change of this key read, whether it is held or not? Then its source can be judged (I4). */
  follows(key: string): boolean {
    return this.#options.maxEntries === undefined && !this.nothing && this.wantsKey(key)
  }

  /** Is it certain that a key which is not held does not exist? */
  covers(key: string): boolean {
    return this.follows(key) && this.#options.interestWhere === undefined
  }

  /** Throws `GridError` UNSUPPORTED where nothing is held that could give it. */
  checkHeld(what: string): void {
    if (!this.nothing) return
    throw new GridError(
      'UNSUPPORTED',
      `map ${quote(this.#map)} is open with interest 'none', so nothing is held here and there is no ${what}: read it with get, or open it without that option`,
    )
  }

  /** The same; a bounded copy, too, is told only of what it holds at the moment: a watch or an index would have gaps (I5). */
  checkFollowing(what: string): void {
    this.checkHeld(what)
    if (this.#options.maxEntries === undefined) return
    throw new GridError('UNSUPPORTED', `map ${quote(this.#map)} holds only what was read lately (maxEntries): it has no ${what}`)
  }

  /** The ages of a source (I4) need a copy that is told every change of its key. Throws `GridError` UNSUPPORTED. */
  checkSource(key: string): void {
    if (this.follows(key)) return
    throw new GridError('UNSUPPORTED', `map ${quote(this.#map)} is held here without ${quote(key)}: nothing is known here of its source`)
  }

  /** Looked at before anything is decoded. */
  wantsKey(key: string): boolean {
    const { interestPrefix } = this.#options
    // Others may have put keys there that are no strings.
    return interestPrefix === undefined || (typeof (key as unknown) === 'string' && key.startsWith(interestPrefix))
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
