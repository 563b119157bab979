import { checkCommit, checkFence, checkId, fenced, refusal, resolveScan, type Head } from '../store/rules.ts'
import type { Fence, OutboxItem, Store, StoreCommit, StoreRecord } from '../store/store.ts'
import { quietly, type Environment, type Versioned } from './environment.ts'
import { createLanes } from './lanes.ts'

/** The row of an id. `value` is undefined after a delete; `oldest` and `outboxFrom` say what is kept besides, without a search. */
interface Row extends Head {
  readonly oldest: number
  readonly outboxFrom: number
  readonly value: Uint8Array | undefined
}

interface Seen {
  readonly key: Buffer
  readonly version: number
  row: Row | undefined
}

/** The store in an lmdb environment (I1): a write looks at fences and writes in the same transaction. */
export function createLmdbStore(environment: Environment): Store {
  const { rows, options } = environment
  const heads = environment.table('heads', true)
  const history = environment.table('revisions', false)
  const outboxes = environment.table('outbox', false)
  // Writes of one id follow each other, so that a caller may ask for the next one before the last is acknowledged.
  const lanes = createLanes()

  const read = (id: string): Seen => {
    const key = Buffer.from(id)
    return { key, ...toSeen(environment.read(heads, key, id)) }
  }

  /** Decides on what it reads, writes if nobody wrote meanwhile, else decides anew. `plan` throws to refuse. */
  async function write<T>(
    ids: readonly string[],
    plan: (seen: ReadonlyMap<string, Seen>) => { readonly result: T; apply(): void },
  ): Promise<T> {
    environment.check()
    return lanes.run(ids, async () => {
      for (;;) {
        environment.check()
        const seen = new Map(ids.map((id) => [id, read(id)]))
        const expected = Array.from(seen.values(), ({ key, version }) => ({ key, version }))
        const { result, apply } = plan(seen)
        const swapped = await environment.swap(heads, expected, () => {
          apply()
          for (const { key, version, row } of seen.values()) if (row !== undefined) quietly(heads.put(key, pack(row), version + 1))
        })
        if (swapped) return result
      }
    })
  }

  const pack = (row: Row): Buffer =>
    rows.pack([row.rev, row.fence.token, row.fence.owner, row.outboxSeq, row.oldest, row.outboxFrom, row.value ?? null])

  /** What goes to the other tables, with the head moved on in `seen`. */
  function next(seen: Seen, { fence, value, outbox = [] }: StoreCommit): () => void {
    const { row, key } = seen
    const rev = (row?.rev ?? 0) + 1
    const outboxSeq = row?.outboxSeq ?? 0
    const from = row?.oldest ?? rev
    const oldest = Math.max(from, rev - options.revisions + 1)
    seen.row = { rev, fence, value, outboxSeq: outboxSeq + outbox.length, oldest, outboxFrom: row?.outboxFrom ?? 1 }
    return () => {
      if (row?.value !== undefined && options.revisions > 1) {
        quietly(history.put(numbered(key, row.rev), rows.pack([row.rev, row.fence.token, row.fence.owner, row.value])))
      }
      for (let old = from; old < oldest; old++) quietly(history.remove(numbered(key, old)))
      for (const [at, bytes] of outbox.entries()) quietly(outboxes.put(numbered(key, outboxSeq + at + 1), rows.pack([bytes])))
    }
  }

  const store: Store = {
    level: options.level,
    async commitAll(given) {
      const commits = given.map(checkCommit)
      if (commits.length === 0) return []
      return write([...new Set(commits.map(({ id }) => id))], (seen) => {
        const parts = commits.map((commit) => {
          const mine = seen.get(commit.id) as Seen
          const refused = refusal(mine.row, commit)
          if (refused !== undefined) throw refused
          return next(mine, commit)
        })
        return { result: commits.map(({ expectedRev }) => expectedRev + 1), apply: () => parts.forEach((part) => part()) }
      })
    },
    async commit(id, expectedRev, fence, value, outbox) {
      const [rev] = await store.commitAll([{ id, expectedRev, fence, value, ...(outbox && { outbox }) }])
      return rev as number
    },
    async get(id) {
      environment.check()
      return toRecord(read(checkId(id)).row)
    },
    async revisions(id) {
      environment.check()
      const { key, row } = read(checkId(id))
      const present = toRecord(row)
      if (row === undefined || present === undefined) return []
      const records = [present]
      for (let rev = row.rev - 1; rev >= Math.max(row.oldest, row.rev - options.revisions + 1); rev--) {
        const bytes = history.getBinary(numbered(key, rev))
        if (bytes !== undefined) records.push(toRevision(rows.read(bytes, `revision ${rev} of ${id}`)))
      }
      return records
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
        const record = toRecord(read(id).row)
        if (record === undefined) continue
        left--
        yield { ...record, id }
      }
    },
    async outbox(id) {
      environment.check()
      const { key, row } = read(checkId(id))
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

  /** A fenced change of the row that writes no value; what it no longer covers is removed with it. */
  async function change(id: string, given: Fence, alter: (row: Row) => Row): Promise<void> {
    const fence = checkFence(given)
    await write([checkId(id)], (all) => {
      const seen = all.get(id) as Seen
      const refused = fenced(id, seen.row, fence)
      if (refused !== undefined) throw refused
      const { row, key } = seen
      const before = row ?? { rev: 0, fence, outboxSeq: 0, oldest: 1, outboxFrom: 1, value: undefined }
      const after = { ...alter(before), fence }
      seen.row = after
      return {
        result: undefined,
        apply() {
          if (after.value === undefined) for (let rev = before.oldest; rev < before.rev; rev++) quietly(history.remove(numbered(key, rev)))
          for (let seq = before.outboxFrom; seq < after.outboxFrom; seq++) quietly(outboxes.remove(numbered(key, seq)))
        },
      }
    })
  }

  return store
}

function toSeen({ version, fields }: Versioned): { readonly version: number; row: Row | undefined } {
  if (fields === undefined) return { version, row: undefined }
  const [rev, token, owner, outboxSeq, oldest, outboxFrom, value] = fields as [number, number, string, number, number, number, unknown]
  const bytes = value === null ? undefined : toBytes(value)
  return { version, row: { rev, fence: { owner, token }, outboxSeq, oldest, outboxFrom, value: bytes } }
}

function toRecord(row: Row | undefined): StoreRecord | undefined {
  return row?.value && { rev: row.rev, fence: row.fence, value: row.value }
}

function toRevision(fields: readonly unknown[]): StoreRecord {
  const [rev, token, owner, value] = fields as [number, number, string, unknown]
  return { rev, fence: { owner, token }, value: toBytes(value) }
}

// A copy: what lmdb hands out, and what is unpacked from it, may share memory that is used again.
function toBytes(value: unknown): Uint8Array {
  return new Uint8Array(value as Uint8Array)
}

/** `id NUL number`: no id holds NUL, so one id's keys stand together and in order. */
function numbered(id: Buffer, at: number): Buffer {
  const key = Buffer.alloc(id.length + 9)
  id.copy(key)
  key.writeBigUInt64BE(BigInt(at), id.length + 1)
  return key
}
