import type { Entry } from './entry.ts'
import { GridError, quote } from '../errors.ts'
import { SortedList } from './sorted-list.ts'

/** What entries can be filed under. */
export type IndexKey = string | number | boolean | null

interface Index {
  /** Number of entries in it. */
  readonly size: number
  /** Number of held entries that are not in it because its key function threw or gave what cannot be a key. */
  readonly leftOut: number
  close(): void
  [Symbol.dispose](): void
}

/** Entries by a key. What it gives is what the near cache holds at that moment, never an expired entry. */
export interface EqualIndex<V, K extends IndexKey> extends Index {
  equals(key: K): readonly Entry<V>[]
  /** All keys under which there is an entry. */
  keys(): readonly K[]
}

/** Entries in the order of a number; those with the same number in the order of their keys. */
export interface SortedIndex<V> extends Index {
  /** All from `low` to `high`, both included. */
  between(low: number, high: number): readonly Entry<V>[]
  /** The first one that is not below `low`. @default low -Infinity */
  first(low?: number): Entry<V> | undefined
}

/** One of the two. */
export interface IndexChoice<V> {
  readonly by?: (value: V, key: string) => IndexKey | undefined
  readonly sortedBy?: (value: V, key: string) => number | undefined
}

/** What an index needs of its map. */
export interface IndexOptions<V, K> {
  /** Undefined: the entry is not in the index. */
  readonly key: (value: V, key: string) => K | undefined
  /** Never shown: an entry whose time is over although its timer has not run. */
  readonly isPresent: (entry: Entry<V>) => boolean
  /** Throws if the map is closed. */
  readonly checkOpen: () => void
  readonly onError: (error: unknown) => void
  readonly onClose: (index: MapIndex<V>) => void
}

/** An index as the near cache sees it: told of each entry that comes to be held and each that goes. */
export interface MapIndex<V> {
  put(entry: Entry<V>): void
  drop(key: string): void
  clear(): void
}

/** Remembers under what each entry was filed: `key` is asked once per entry, so it cannot answer otherwise when the entry goes. */
abstract class Filed<V, K, P> {
  protected readonly options: IndexOptions<V, K>
  protected readonly places: Map<string, P> = new Map()
  readonly #left = new Set<string>()

  constructor(options: IndexOptions<V, K>) {
    this.options = options
  }

  get size(): number {
    return this.places.size
  }

  get leftOut(): number {
    return this.#left.size
  }

  put(entry: Entry<V>): void {
    this.drop(entry.key)
    try {
      const key = this.options.key(entry.value, entry.key)
      if (key !== undefined) this.places.set(entry.key, this.file(key, entry))
    } catch (error) {
      // A guest (I7): one reader's index must not keep anybody's write out of the map. It is counted, and so is what it left out.
      this.#left.add(entry.key)
      this.options.onError(error)
    }
  }

  drop(key: string): void {
    this.#left.delete(key)
    const place = this.places.get(key)
    if (place === undefined) return
    this.places.delete(key)
    this.unfile(place, key)
  }

  clear(): void {
    this.places.clear()
    this.#left.clear()
    this.unfileAll()
  }

  close(): void {
    this.clear()
    this.options.onClose(this)
  }

  [Symbol.dispose](): void {
    this.close()
  }

  protected abstract file(key: K, entry: Entry<V>): P
  protected abstract unfile(place: P, key: string): void
  protected abstract unfileAll(): void
}

export class EqualMapIndex<V, K extends IndexKey> extends Filed<V, K, K> implements EqualIndex<V, K>, MapIndex<V> {
  readonly #groups = new Map<K, Map<string, Entry<V>>>()

  equals(key: K): readonly Entry<V>[] {
    this.options.checkOpen()
    const group = this.#groups.get(key)
    return group === undefined ? [] : [...group.values()].filter(this.options.isPresent)
  }

  keys(): readonly K[] {
    this.options.checkOpen()
    return [...this.#groups.keys()].filter((key) => this.equals(key).length > 0)
  }

  protected file(key: K, entry: Entry<V>): K {
    const sound = typeof key === 'string' || typeof key === 'boolean' || key === null || (typeof key === 'number' && !Number.isNaN(key))
    if (!sound) throw badKey(key, entry, 'a string, a number, a boolean or null')
    const group = this.#groups.get(key)
    if (group === undefined) this.#groups.set(key, new Map([[entry.key, entry]]))
    else group.set(entry.key, entry)
    return key
  }

  protected unfile(place: K, key: string): void {
    const group = this.#groups.get(place)
    group?.delete(key)
    if (group?.size === 0) this.#groups.delete(place)
  }

  protected unfileAll(): void {
    this.#groups.clear()
  }
}

interface Sorted<V> {
  readonly at: number
  readonly key: string
  readonly entry: Entry<V>
}

export class SortedMapIndex<V> extends Filed<V, number, Sorted<V>> implements SortedIndex<V>, MapIndex<V> {
  readonly #list = new SortedList<Sorted<V>>()

  between(low: number, high: number): readonly Entry<V>[] {
    this.options.checkOpen()
    const found: Entry<V>[] = []
    for (const { at, entry } of this.#list.from(checkBound(low))) {
      if (at > checkBound(high)) break
      if (this.options.isPresent(entry)) found.push(entry)
    }
    return found
  }

  first(low: number = -Infinity): Entry<V> | undefined {
    this.options.checkOpen()
    for (const { entry } of this.#list.from(checkBound(low))) if (this.options.isPresent(entry)) return entry
    return undefined
  }

  protected file(at: number, entry: Entry<V>): Sorted<V> {
    if (typeof at !== 'number' || Number.isNaN(at)) throw badKey(at, entry, 'a number, but not NaN')
    const place = { at, key: entry.key, entry }
    this.#list.add(place)
    return place
  }

  protected unfile(place: Sorted<V>): void {
    this.#list.delete(place)
  }

  protected unfileAll(): void {
    this.#list.clear()
  }
}

function checkBound(bound: number): number {
  if (typeof bound === 'number' && !Number.isNaN(bound)) return bound
  throw new GridError('BAD_OPTION', `bound of an index is ${quote(bound)}: give a number`)
}

function badKey(key: unknown, entry: Entry<unknown>, wanted: string): GridError {
  return new GridError('BAD_VALUE', `the index key of ${quote(entry.key)} is ${quote(key)}: return ${wanted}, or undefined to leave it out`)
}
