import type { Entry } from '../map/entry.ts'
import type { GridMap } from '../grid.ts'
import type { Fence, Store } from '../store/store.ts'
import { isStoreError, type StoreErrorCode } from '../store/errors.ts'
import { storedValues } from './stored-values.ts'

/** Writes one key at a time into the store, knowing which revision stands there. */
export interface KeyWriter<V> {
  /** Stores the entry, or deletes the record. After an error the store is asked again what it holds. */
  write(key: string, entry: Entry<V> | undefined): Promise<void>
  readonly stored: number
  /** Entries with a time to live, which are not stored. */
  readonly passing: number
}

export interface KeyWriterOptions {
  readonly store: Store
  readonly prefix: string
  readonly fence: Fence
}

const REFUSALS: readonly StoreErrorCode[] = ['STORE_FENCED', 'STORE_CONFLICT', 'BAD_ID', 'BAD_OPTION', 'STORE_BUSY']

/** Whether the store has said that nothing was written. */
const isRefusal = (error: unknown): boolean => isStoreError(error) && REFUSALS.includes(error.code)

export function createKeyWriter<V>(map: GridMap<V>, { store, prefix, fence }: KeyWriterOptions): KeyWriter<V> {
  const values = storedValues(map)
  // One for each key of the map that is stored.
  const revisions = new Map<string, number>()
  // Keys whose last write had no answer: it may still be on its way to the store.
  const unsure = new Set<string>()
  let stored = 0
  let passing = 0

  async function put(key: string, entry: Entry<V>): Promise<void> {
    const id = prefix + key
    let rev = revisions.get(key)
    if (rev === undefined) {
      const record = await store.get(id)
      rev = record?.rev ?? 0
      if (record !== undefined && values.same(entry, record.value)) {
        revisions.set(key, rev)
        return
      }
    }
    revisions.delete(key)
    unsure.add(key)
    try {
      revisions.set(key, await store.commit(id, rev, fence, values.pack(entry)))
      unsure.delete(key)
    } catch (error) {
      if (isRefusal(error)) unsure.delete(key)
      throw error
    }
    stored += 1
  }

  return {
    get stored() {
      return stored
    },
    get passing() {
      return passing
    },
    async write(key, entry) {
      if (entry !== undefined && entry.ttlMs === undefined) return put(key, entry)
      if (entry !== undefined) passing += 1
      revisions.delete(key)
      const id = prefix + key
      try {
        // A delete of what is not there leaves the fence, which refuses a commit that comes late.
        if ((await store.get(id)) === undefined && !unsure.has(key)) return
      } catch (error) {
        // The store never held such a key, so there is nothing to delete.
        if (isStoreError(error, 'BAD_ID')) return
        throw error
      }
      await store.delete(id, fence)
      unsure.delete(key)
      stored += 1
    },
  }
}
