import type { Entry } from '../map/entry.ts'
import type { GridMap } from '../grid.ts'
import type { StoreRecord } from '../store/store.ts'
import { checkNames } from '../store/rules.ts'
import { checkHeld, resolveReadThrough, type ReadThroughOptions } from './options.ts'
import { ofTheRecord, refusedKeys } from './refused-keys.ts'
import { createSingleFlight } from './single-flight.ts'
import { storedValues } from './stored-values.ts'

export interface ReadThroughStats {
  /** Records asked of the store. */
  readonly loads: number
  /** Reads that were answered by another's load. */
  readonly shared: number
  /** Entries put into the map from the store. */
  readonly refilled: number
}

/** Reads a map, and what it lacks from a store. */
export interface ReadThrough<V> {
  /** From the near cache; else from the store, once however many ask, and then it is in the map for everybody. */
  get(key: string): Promise<Entry<V> | undefined>
  /**
   * Puts into the map what stands in the store and not in it: after the grid was wiped. Returns how many. What is in the map stays.
   * A record that cannot be read holds up no other: all others are there when it throws the `StoreError` that names such keys.
   */
  refill(options?: { readonly signal?: AbortSignal }): Promise<number>
  stats(): ReadThroughStats
}

/** How many entries a refill puts at once. */
const TOGETHER = 64

/**
 * Reads `map` through the store a `createWriteBehind` keeps it in. Reads need no fence: any process may.
 * Throws `StoreError` BAD_OPTION, and `GridError` UNSUPPORTED for a map with `interest: 'none'`. Its calls throw what the store and the map throw.
 */
export function createReadThrough<V>(map: GridMap<V>, options: ReadThroughOptions): ReadThrough<V> {
  const { store, prefix } = resolveReadThrough('createReadThrough', map.name, options)
  checkHeld(map)
  const values = storedValues(map)
  const flights = createSingleFlight<Entry<V> | undefined>()
  let loads = 0
  let refilled = 0

  /**
   * Only where there is nothing: whoever wrote meanwhile knows better than the store. Then it looks once more whether it was right: a keeper
   * may have removed the key since the record was read, and found nothing in the map.
   */
  async function fill(key: string, found: StoreRecord): Promise<Entry<V> | undefined> {
    let record = found
    for (let expected = 0; ;) {
      const result = await map.compareAndSet(key, expected, values.read(key, record.value))
      if (!result.ok) return result.current
      const now = await store.get(prefix + key)
      const ours = now !== undefined && values.isOf(result.entry, now.value)
      // As it was; or the keeper has stored what was put here over it: a record that was removed would begin again with the first revision.
      if ((now?.rev === record.rev && Buffer.compare(now.value, record.value) === 0) || (ours && now.rev > record.rev)) {
        refilled += 1
        return result.entry
      }
      // Gone; or gone, and the keeper has stored what was put here.
      if (now === undefined || ours) {
        await map.removeIf(key, result.entry.version)
        return undefined
      }
      expected = result.entry.version
      record = now
    }
  }

  async function load(key: string): Promise<Entry<V> | undefined> {
    loads += 1
    const record = await store.get(prefix + key)
    return record && fill(key, record)
  }

  return {
    get: async (key) => map.peek(key) ?? flights.run(key, () => load(key)),
    async refill(given = {}) {
      checkNames('refill', given, ['signal'])
      const { signal } = given
      signal?.throwIfAborted()
      const before = refilled
      const unreadable = refusedKeys(map.name, 'read from the store')
      let failure: { readonly error: unknown } | undefined
      // None of them rejects: the scan may wait for its next page meanwhile, and nobody would hear it.
      let filling: Promise<void>[] = []
      const begin = async (key: string, record: StoreRecord): Promise<void> => {
        try {
          await fill(key, record)
        } catch (error) {
          if (ofTheRecord(error)) unreadable.add(key, error)
          else failure ??= { error }
        }
      }
      const filled = async (): Promise<void> => {
        await Promise.all(filling)
        filling = []
        if (failure !== undefined) throw failure.error
      }
      try {
        for await (const record of store.scan({ prefix })) {
          signal?.throwIfAborted()
          const key = record.id.slice(prefix.length)
          if (key !== '' && map.peek(key) === undefined) filling.push(begin(key, record))
          if (filling.length === TOGETHER) await filled()
        }
        await filled()
        signal?.throwIfAborted()
      } finally {
        // What is under way ends before the call does.
        await Promise.all(filling)
      }
      unreadable.check()
      return refilled - before
    },
    stats: () => ({ loads, shared: flights.shared, refilled }),
  }
}
