import { StoreError } from '../store/errors.ts'
import { checkedCommit, checkFence, checkId, fenced, refusal, resolveScan } from '../store/rules.ts'
import type { Fence, OutboxItem, Store, StoreCommit, StoreRecord } from '../store/store.ts'
import { quietly, type Environment } from './environment.ts'
import { createGroupCommit, GroupWrite, MANY } from './group-commit.ts'
import { numbered, packHead, toBytes, toHead, toRecord, type HeadRow } from './store-rows.ts'

const NONE: readonly Buffer[] = []

/** The store in an lmdb environment (I1): a write looks at fences and writes in the same transaction. */
export function createLmdbStore(environment: Environment): Store {
  const { rows, options } = environment
  const heads = environment.table('heads', true)
  const records = environment.table('revisions', false)
  const outboxes = environment.table('outbox', false)
  const group = createGroupCommit<HeadRow>({
    environment,
    name: 'store',
    table: heads,
    unpack: toHead,
    pack: (row) => rows.pack(packHead(row)),
  })
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

  const packRecord = (rev: number, { token, owner }: Fence, value: Uint8Array): Buffer => rows.pack([rev, token, owner, value])

  /** One commit as it will be stored: packing is what copies the caller's bytes. */
  class Commit extends GroupWrite<HeadRow, number> {
    readonly #commit: StoreCommit
    readonly #key: Buffer
    readonly #packed: Buffer
    readonly #outbox: readonly Buffer[]
    #before: HeadRow | undefined
    #after: HeadRow | undefined

    constructor(given: StoreCommit) {
      const commit = checkedCommit(given)
      super()
      this.#commit = commit
      this.#key = Buffer.from(commit.id)
      this.#packed = packRecord(commit.expectedRev + 1, commit.fence, commit.value)
      this.#outbox = commit.outbox === undefined || commit.outbox.length === 0 ? NONE : commit.outbox.map((bytes) => rows.pack([bytes]))
    }

    override ids(): readonly string[] {
      return [this.#commit.id]
    }

    override plan([row]: readonly (HeadRow | undefined)[]): readonly HeadRow[] {
      return [this.next(row)]
    }

    /** The head after it. Throws the refusal. */
    next(row: HeadRow | undefined): HeadRow {
      const refused = refusal(row, this.#commit)
      if (refused !== undefined) throw refused
      const rev = this.#commit.expectedRev + 1
      this.#before = row
      this.#after = {
        rev,
        fence: this.#commit.fence,
        outboxSeq: (row?.outboxSeq ?? 0) + this.#outbox.length,
        oldest: Math.max(row?.oldest ?? rev, rev - options.revisions + 1),
        outboxFrom: row?.outboxFrom ?? 1,
        value: undefined,
      }
      return this.#after
    }

    override write(): void {
      const before = this.#before
      const { rev, oldest } = this.#after as HeadRow
      if (before?.value !== undefined) {
        quietly(records.put(numbered(this.#key, before.rev), packRecord(before.rev, before.fence, before.value)))
      }
      quietly(records.put(numbered(this.#key, rev), this.#packed))
      for (let old = before?.oldest ?? rev; old < oldest; old++) quietly(records.remove(numbered(this.#key, old)))
      let seq = before?.outboxSeq ?? 0
      for (const item of this.#outbox) quietly(outboxes.put(numbered(this.#key, ++seq), item))
    }

    override result(): number {
      return this.#commit.expectedRev + 1
    }

    get id(): string {
      return this.#commit.id
    }
  }

  /** Several commits, also of one id, each upon the one before. */
  class Commits extends GroupWrite<HeadRow, readonly number[]> {
    readonly #parts: readonly Commit[]
    readonly #ids: readonly string[]
    override readonly exclusive: boolean

    constructor(parts: readonly Commit[]) {
      super()
      this.#parts = parts
      this.#ids = [...new Set(parts.map(({ id }) => id))]
      this.exclusive = this.#ids.length > MANY
    }

    override ids(): readonly string[] {
      return this.#ids
    }

    override plan(before: readonly (HeadRow | undefined)[]): readonly HeadRow[] {
      const after = new Map(this.#ids.map((id, at) => [id, before[at]]))
      for (const part of this.#parts) after.set(part.id, part.next(after.get(part.id)))
      return this.#ids.map((id) => after.get(id) as HeadRow)
    }

    override write(): void {
      for (const part of this.#parts) part.write()
    }

    override result(): readonly number[] {
      return this.#parts.map((part) => part.result())
    }
  }

  /** A fenced change of the head that writes no value; what it no longer covers is removed with it. */
  class HeadChange extends GroupWrite<HeadRow, void> {
    readonly #id: string
    readonly #fence: Fence
    readonly #alter: (row: HeadRow) => HeadRow
    #before: HeadRow | undefined
    #after: HeadRow | undefined

    constructor(id: string, fence: Fence, alter: (row: HeadRow) => HeadRow) {
      super()
      this.#id = checkId(id)
      this.#fence = checkFence(fence)
      this.#alter = alter
    }

    override ids(): readonly string[] {
      return [this.#id]
    }

    override plan([row]: readonly (HeadRow | undefined)[]): readonly HeadRow[] {
      const refused = fenced(this.#id, row, this.#fence)
      if (refused !== undefined) throw refused
      this.#before = row ?? { rev: 0, fence: this.#fence, outboxSeq: 0, oldest: 1, outboxFrom: 1, value: undefined }
      this.#after = { ...this.#alter(this.#before), fence: this.#fence }
      return [this.#after]
    }

    override write(): void {
      const [before, after] = [this.#before as HeadRow, this.#after as HeadRow]
      const key = Buffer.from(this.#id)
      if (after.rev === 0) for (let rev = before.oldest; rev <= before.rev; rev++) quietly(records.remove(numbered(key, rev)))
      for (let seq = before.outboxFrom; seq < after.outboxFrom; seq++) quietly(outboxes.remove(numbered(key, seq)))
    }

    override result(): void {}
  }

  const store: Store = {
    level: options.level,
    async commitAll(given) {
      environment.check()
      const parts = given.map((each) => new Commit(each))
      return parts.length === 0 ? [] : group.run(new Commits(parts))
    },
    async commit(id, expectedRev, fence, value, outbox) {
      environment.check()
      return group.run(new Commit({ id, expectedRev, fence, value, ...(outbox && { outbox }) }))
    },
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
    async settle(id, fence, seq) {
      environment.check()
      const settled = (row: HeadRow): number => Math.max(row.outboxFrom, Math.min(seq, row.outboxSeq) + 1)
      await group.run(new HeadChange(id, fence, (row) => ({ ...row, outboxFrom: settled(row) })))
    },
    async delete(id, fence) {
      environment.check()
      const gone = (row: HeadRow): HeadRow => ({ ...row, rev: 0, value: undefined, oldest: 1, outboxFrom: row.outboxSeq + 1 })
      await group.run(new HeadChange(id, fence, gone))
    },
    close: () => environment.close(),
    [Symbol.asyncDispose]: () => environment.close(),
  }
  return store
}
