import type { Entry } from '../map/entry.ts'
import type { GridMap } from '../grid.ts'
import type { Fence, Store } from '../store/store.ts'
import { isStoreError, type StoreErrorCode } from '../store/errors.ts'
import { storedValues } from './stored-values.ts'

/** Writes one key at a time into the store, knowing which revision stands there. */
export interface KeyWriter<V> {
  /** Stores the entry, or deletes the record. After an error the store is asked again what it holds. */
  write(key: string, entry: Entry<V> | undefined): Promise<void>
  /** Whether the key is stored, as far as was written here. */
  holds(key: string): boolean
  readonly stored: number
  /** Entries with a time to live, which are not stored. */
  readonly passing: number
}

export interface KeyWriterOptions {
  readonly store: Store
  readonly prefix: string
  readonly fence: Fence
}

/** After any other error of a write it may have happened, or still happen. */
const REFUSALS: readonly StoreErrorCode[] = ['STORE_FENCED', 'STORE_CONFLICT', 'STORE_BUSY', 'BAD_ID', 'BAD_OPTION']

export function createKeyWriter<V>(map: GridMap<V>, { store, prefix, fence }: KeyWriterOptions): KeyWriter<V> {
  const values = storedValues(map)
  // One for each key of the map that is stored.
  const revisions = new Map<string, number>()
  // What was written last of keys whose write had no answer, undefined for a delete. It may still arrive, and must find its record
  // changed then: so the next write is not left out, unless it has arrived.
  const unsure = new Map<string, Uint8Array | undefined>()
  let stored = 0
  let passing = 0

  async function put(key: string, entry: Entry<V>): Promise<void> {
    const id = prefix + key
    let rev = revisions.get(key)
    if (rev === undefined) {
      const record = await store.get(id)
      rev = record?.rev ?? 0
      if (record !== undefined && values.same(entry, record.value) && isSure(key, record.value)) {
        unsure.delete(key)
        revisions.set(key, rev)
        return
      }
    }
    revisions.delete(key)
    const packed = values.pack(entry)
    revisions.set(key, await asked(key, store.commit(id, rev, fence, packed), packed))
    stored += 1
  }

  function isSure(key: string, found: Uint8Array): boolean {
    const sent = unsure.get(key)
    return sent === undefined ? !unsure.has(key) : Buffer.compare(sent, found) === 0
  }

  async function asked<T>(key: string, write: Promise<T>, bytes?: Uint8Array): Promise<T> {
    try {
      const result = await write
      unsure.delete(key)
      return result
    } catch (error) {
      if (!REFUSALS.some((code) => isStoreError(error, code))) unsure.set(key, bytes)
      throw error
    }
  }

  return {
    holds: (key) => revisions.has(key),
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
        const record = await store.get(id)
        if (record === undefined && !unsure.has(key)) return
        if (record !== undefined) values.checkSchema(key, record.value)
      } catch (error) {
        // The store never held such a key, so there is nothing to delete.
        if (isStoreError(error, 'BAD_ID')) return
        throw error
      }
      await asked(key, store.delete(id, fence))
      stored += 1
    },
  }
}
