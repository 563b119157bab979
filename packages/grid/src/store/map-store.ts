import type { GridMap } from '../grid.ts'
import { StoreError } from './errors.ts'
import { checkCommit, checkFence, checkId, fenced, refusal } from './rules.ts'
import type { Fence, StateStore } from './store.ts'

/** What a store in a map keeps of an id. After a delete the fence is left: `rev` is 0 then. */
export interface StoredInMap {
  readonly rev: number
  readonly fence: Fence
  readonly value: Uint8Array
}

/** Each failed try means that somebody else committed. */
const TRIES = 100

/**
 * Agents' states as entries of a map of the grid, for processes that share a cluster and no disk. It is as good as the map's `strong`
 * is. On the embedded grid that is linearizable. On open-source Hazelcast it is owner-atomic: two sides of a split may both commit,
 * one of them is lost in the merge, and so is everything when the last member ends (docs/consistency.md). What must not be lost, or
 * has to have one writer whatever happens (I1), needs a durable store. The map belongs to the caller and is not closed here.
 *
 *     const store = createMapStore(grid.map<StoredInMap>('agents'))
 *
 * Its operations throw `StoreError` STORE_FENCED, STORE_CONFLICT, BAD_ID, BAD_OPTION and CLOSED, and the map's `GridError`, after which
 * the outcome is unknown.
 */
export function createMapStore(map: GridMap<StoredInMap>): StateStore {
  let closed = false

  async function replace(id: string, next: (stored: StoredInMap | undefined) => StoredInMap): Promise<StoredInMap> {
    for (let tries = 0; tries < TRIES; tries++) {
      if (closed) throw new StoreError('CLOSED', 'the store is closed')
      const entry = await map.get(id, { consistency: 'strong' })
      const row = next(entry?.value)
      const result = await map.compareAndSet(id, entry?.version ?? 0, row, { consistency: 'strong' })
      if (result.ok) return row
    }
    throw new StoreError('STORE_CONFLICT', `others committed ${JSON.stringify(id)} ${TRIES} times meanwhile`)
  }

  return {
    async get(id) {
      checkId(id)
      if (closed) throw new StoreError('CLOSED', 'the store is closed')
      const row = (await map.get(id, { consistency: 'strong' }))?.value
      return row === undefined || row.rev === 0 ? undefined : { rev: row.rev, fence: row.fence, value: new Uint8Array(row.value) }
    },
    async commit(id, expectedRev, fence, value) {
      const commit = checkCommit({ id, expectedRev, fence, value })
      const { rev } = await replace(id, (stored) => {
        const refused = refusal(stored === undefined ? undefined : { ...stored, outboxSeq: 0 }, commit)
        if (refused !== undefined) throw refused
        return { rev: expectedRev + 1, fence: commit.fence, value: commit.value }
      })
      return rev
    },
    async delete(id, given) {
      checkId(id)
      const fence = checkFence(given)
      await replace(id, (stored) => {
        const refused = fenced(id, stored === undefined ? undefined : { ...stored, outboxSeq: 0 }, fence)
        if (refused !== undefined) throw refused
        return { rev: 0, fence, value: new Uint8Array(0) }
      })
    },
    async close() {
      closed = true
    },
  }
}
