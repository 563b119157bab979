import { commitEach } from '../store/commit-each.ts'
import { StoreError } from '../store/errors.ts'
import { checkId, resolveScan } from '../store/rules.ts'
import type { OutboxItem, Store, StoreRecord } from '../store/store.ts'
import type { Environment } from './environment.ts'
import { createGroupCommit, type GroupCommit } from './group-commit.ts'
import { anyPart, JointWrite } from './group-write.ts'
import { guarded, inParts } from './guarded.ts'
import { numbered, toBytes, toHead, toRecord, type HeadRow } from './store-rows.ts'
import { createStoreWrites, type StoreWrites } from './store-writes.ts'

/** The store in an lmdb environment. Its writes share transactions with all others of `group`. */
export function createLmdbStore(
  environment: Environment,
  group: GroupCommit = createGroupCommit(environment),
  writes: StoreWrites = createStoreWrites(environment),
): Store {
  const { rows, options } = environment
  const { heads, records, outboxes } = writes

  const head = (id: string, key: Buffer): HeadRow | undefined => {
    const { fields } = environment.read(heads, key, id)
    return fields && toHead(fields)
  }

  /** A record of a head just read: with the revisions, or in the head itself where format 1 wrote it. Both are of one snapshot. */
  function recordOf(id: string, key: Buffer, row: HeadRow, rev: number): StoreRecord {
    if (rev === row.rev && row.value !== undefined) return { rev, fence: row.fence, value: row.value }
    const at = numbered(key, rev)
    const bytes = guarded(environment, () => records.getBinary(at))
    if (bytes === undefined) throw new StoreError('STORE_BROKEN', `revision ${rev} of ${id} is missing`)
    return toRecord(rows.read(bytes, `revision ${rev} of ${id}`, at))
  }

  function present(id: string, key: Buffer): StoreRecord | undefined {
    const row = head(id, key)
    return row === undefined || row.rev === 0 ? undefined : recordOf(id, key, row, row.rev)
  }

  const keysOf = ({ start, limit }: { start: Buffer; limit: number }): Iterable<Buffer> =>
    heads.getKeys(start.length === 0 ? { limit } : { start, limit })

  const store: Store = {
    level: options.level,
    ordered: true,
    atomicBatch: 'any-ids',
    async commitAll(given) {
      environment.check()
      const parts = given.map((each) => anyPart(writes.commit(each)))
      return parts.length === 0 ? [] : ((await group.run(new JointWrite(parts))) as readonly number[])
    },
    commitEach: (commits) => commitEach(store.commit, commits),
    async commit(id, expectedRev, fence, value, outbox) {
      environment.check()
      return group.run(writes.commit({ id, expectedRev, fence, value, ...(outbox && { outbox }) }))
    },
    async get(id) {
      environment.check()
      return present(id, Buffer.from(checkId(id)))
    },
    async getAll(ids) {
      environment.check()
      return ids.map((id) => present(id, Buffer.from(checkId(id))))
    },
    async revisions(id) {
      environment.check()
      const key = Buffer.from(checkId(id))
      const row = head(id, key)
      const found: StoreRecord[] = []
      if (row === undefined || row.rev === 0) return found
      for (let rev = row.rev; rev >= Math.max(row.oldest, row.rev - options.revisions + 1); rev--) {
        found.push(recordOf(id, key, row, rev))
      }
      return found
    },
    async *scan(scanOptions) {
      const { prefix, after, limit } = resolveScan(scanOptions)
      environment.check()
      let left = limit
      const start = Buffer.from(after === undefined || after < prefix ? prefix : `${after}\0`)
      for (const key of inParts(environment, start, keysOf, (row) => ({ key: Buffer.from(row), found: Buffer.from(row) }))) {
        const id = key.toString()
        if (!id.startsWith(prefix) || left <= 0) return
        environment.check()
        const record = present(id, key)
        if (record === undefined) continue
        left--
        yield { ...record, id }
        // Before the next step, which a closed file no longer has.
        environment.check()
      }
    },
    async outbox(id) {
      environment.check()
      const key = Buffer.from(checkId(id))
      const row = head(id, key)
      const items: OutboxItem[] = []
      if (row === undefined) return items
      for (let seq = row.outboxFrom; seq <= row.outboxSeq; seq++) {
        const at = numbered(key, seq)
        const bytes = guarded(environment, () => outboxes.getBinary(at))
        if (bytes !== undefined) items.push({ seq, value: toBytes(rows.read(bytes, `outbox item ${seq} of ${id}`, at)[0]) })
      }
      return items
    },
    async settle(id, fence, seq) {
      environment.check()
      await group.run(writes.settle(id, fence, seq))
    },
    async delete(id, fence) {
      environment.check()
      await group.run(writes.remove(id, fence))
    },
    close: () => environment.close(),
    [Symbol.asyncDispose]: () => environment.close(),
  }
  return store
}
