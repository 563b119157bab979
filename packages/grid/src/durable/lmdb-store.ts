import { StoreError } from '../store/errors.ts'
import { checkedCommit, checkFence, checkId, fenced, refusal, resolveScan } from '../store/rules.ts'
import type { Fence, OutboxItem, Store, StoreCommit, StoreRecord } from '../store/store.ts'
import { quietly, type Environment } from './environment.ts'
import { createGroupCommit, type Planned } from './group-commit.ts'
import { numbered, packHead, toBytes, toHead, toRecord, type HeadRow } from './store-rows.ts'

/** The store in an lmdb environment (I1): a write looks at fences and writes in the same transaction. */
export function createLmdbStore(environment: Environment): Store {
  const { rows, options } = environment
  const heads = environment.table('heads', true)
  const records = environment.table('revisions', false)
  const outboxes = environment.table('outbox', false)
  const group = createGroupCommit<HeadRow>({ environment, table: heads, unpack: toHead, pack: (row) => rows.pack(packHead(row)) })
  environment.beforeClose(() => group.idle())

  const head = (id: string, key: Buffer): HeadRow | undefined => {
    const { fields } = environment.read(heads, key, id)
    return fields && toHead(fields)
  }

  /** A record of a head just read: with the revisions, or in the head itself where format 1 wrote it. Both are of one snapshot. */
  function recordOf(id: string, key: Buffer, row: HeadRow, rev: number): StoreRecord {
    if (rev === row.rev && row.value !== undefined) return { rev, fence: row.fence, value: row.value }
    const bytes = records.getBinary(numbered(key, rev))
    if (bytes === undefined) throw new StoreError('STORE_BROKEN', `revision ${rev} of ${id} is missing`)
    return toRecord(rows.read(bytes, `revision ${rev} of ${id}`))
  }

  function present(id: string, key: Buffer): StoreRecord | undefined {
    const row = head(id, key)
    return row === undefined || row.rev === 0 ? undefined : recordOf(id, key, row, row.rev)
  }

  /** The head after one commit, and what goes to the other tables with it. */
  function next(row: HeadRow | undefined, commit: PackedCommit): { readonly row: HeadRow; write(): void } {
    const { fence, key, packed, outbox } = commit
    const rev = (row?.rev ?? 0) + 1
    const outboxSeq = row?.outboxSeq ?? 0
    const from = row?.oldest ?? rev
    const oldest = Math.max(from, rev - options.revisions + 1)
    return {
      row: { rev, fence, outboxSeq: outboxSeq + outbox.length, oldest, outboxFrom: row?.outboxFrom ?? 1, value: undefined },
      write() {
        if (row?.value !== undefined) quietly(records.put(numbered(key, row.rev), packRecord(row.rev, row.fence, row.value)))
        quietly(records.put(numbered(key, rev), packed))
        for (let old = from; old < oldest; old++) quietly(records.remove(numbered(key, old)))
        for (let at = 0; at < outbox.length; at++) quietly(outboxes.put(numbered(key, outboxSeq + at + 1), outbox[at] as Buffer))
      },
    }
  }

  const packRecord = (rev: number, { token, owner }: Fence, value: Uint8Array): Buffer => rows.pack([rev, token, owner, value])

  /** A commit as it will be stored: packing is what copies the caller's bytes. */
  interface PackedCommit {
    readonly commit: StoreCommit
    readonly key: Buffer
    readonly fence: Fence
    readonly packed: Buffer
    readonly outbox: readonly Buffer[]
  }

  function pack(given: StoreCommit): PackedCommit {
    const commit = checkedCommit(given)
    const { id, expectedRev, fence, value, outbox } = commit
    const packed = packRecord(expectedRev + 1, fence, value)
    return { commit, key: Buffer.from(id), fence, packed, outbox: outbox?.map((bytes) => rows.pack([bytes])) ?? [] }
  }

  async function commitOne(given: StoreCommit): Promise<number> {
    environment.check()
    const one = pack(given)
    return group.run([one.commit.id], ([row]) => {
      const refused = refusal(row, one.commit)
      if (refused !== undefined) throw refused
      const after = next(row, one)
      return { result: after.row.rev, rows: [after.row], write: after.write }
    })
  }

  /** Several commits, also of one id, each upon the one before. */
  function planAll(ids: readonly string[], commits: readonly PackedCommit[], before: readonly (HeadRow | undefined)[]): Planned<HeadRow, number[]> {
    const after = new Map(ids.map((id, at) => [id, before[at]]))
    const parts = commits.map((each) => {
      const { id } = each.commit
      const refused = refusal(after.get(id), each.commit)
      if (refused !== undefined) throw refused
      const part = next(after.get(id), each)
      after.set(id, part.row)
      return part
    })
    const result = parts.map(({ row }) => row.rev)
    return { result, rows: ids.map((id) => after.get(id) as HeadRow), write: () => parts.forEach((part) => part.write()) }
  }

  /** A fenced change of the head that writes no value; what it no longer covers is removed with it. */
  async function change(given: string, by: Fence, alter: (row: HeadRow) => HeadRow): Promise<void> {
    environment.check()
    const fence = checkFence(by)
    const id = checkId(given)
    const key = Buffer.from(id)
    await group.run([id], ([row]) => {
      const refused = fenced(id, row, fence)
      if (refused !== undefined) throw refused
      const before = row ?? { rev: 0, fence, outboxSeq: 0, oldest: 1, outboxFrom: 1, value: undefined }
      const after = { ...alter(before), fence }
      return {
        result: undefined,
        rows: [after],
        write() {
          if (after.rev === 0) for (let rev = before.oldest; rev <= before.rev; rev++) quietly(records.remove(numbered(key, rev)))
          for (let seq = before.outboxFrom; seq < after.outboxFrom; seq++) quietly(outboxes.remove(numbered(key, seq)))
        },
      }
    })
  }

  const store: Store = {
    level: options.level,
    async commitAll(given) {
      environment.check()
      const commits = given.map(pack)
      if (commits.length === 0) return []
      const ids = [...new Set(commits.map(({ commit }) => commit.id))]
      return group.run(ids, (before) => planAll(ids, commits, before))
    },
    commit: (id, expectedRev, fence, value, outbox) => commitOne({ id, expectedRev, fence, value, ...(outbox && { outbox }) }),
    async get(id) {
      environment.check()
      return present(id, Buffer.from(checkId(id)))
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
      environment.refresh()
      let left = limit
      const start = Buffer.from(after === undefined || after < prefix ? prefix : `${after}\0`)
      for (const key of heads.getKeys(start.length === 0 ? {} : { start })) {
        const id = Buffer.from(key).toString()
        if (!id.startsWith(prefix) || left <= 0) return
        environment.check()
        const record = present(id, Buffer.from(key))
        if (record === undefined) continue
        left--
        yield { ...record, id }
      }
    },
    async outbox(id) {
      environment.check()
      const key = Buffer.from(checkId(id))
      const row = head(id, key)
      const items: OutboxItem[] = []
      if (row === undefined) return items
      for (let seq = row.outboxFrom; seq <= row.outboxSeq; seq++) {
        const bytes = outboxes.getBinary(numbered(key, seq))
        if (bytes !== undefined) items.push({ seq, value: toBytes(rows.read(bytes, `outbox item ${seq} of ${id}`)[0]) })
      }
      return items
    },
    settle: (id, fence, seq) =>
      change(id, fence, (row) => ({ ...row, outboxFrom: Math.max(row.outboxFrom, Math.min(seq, row.outboxSeq) + 1) })),
    delete: (id, fence) => change(id, fence, (row) => ({ ...row, rev: 0, value: undefined, oldest: 1, outboxFrom: row.outboxSeq + 1 })),
    close: () => environment.close(),
    [Symbol.asyncDispose]: () => environment.close(),
  }
  return store
}
