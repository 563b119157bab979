import { checkCount, checkedCommit, checkFence, checkId, fenced, refusal } from '../store/rules.ts'
import type { Fence, StoreCommit } from '../store/store.ts'
import { quietly, type Environment, type Table } from './environment.ts'
import { GroupWrite } from './group-write.ts'
import { RowKind } from './row-kind.ts'
import { numbered, packHead, toHead, type HeadRow } from './store-rows.ts'

const NONE: readonly Buffer[] = []

/** The tables of the store, and its writes, each of which looks at fences and writes in the same transaction (I1). */
export interface StoreWrites {
  readonly heads: Table
  readonly records: Table
  readonly outboxes: Table
  commit(commit: StoreCommit): GroupWrite<HeadRow, number>
  settle(id: string, fence: Fence, seq: number): GroupWrite<HeadRow, void>
  remove(id: string, fence: Fence): GroupWrite<HeadRow, void>
}

/** Each throws `StoreError` BAD_ID or BAD_OPTION for what cannot be stored, or settled. */
export function createStoreWrites(environment: Environment): StoreWrites {
  const { rows, options } = environment
  const heads = environment.table('heads', true)
  const records = environment.table('revisions', false)
  const outboxes = environment.table('outbox', false)
  const kind = new RowKind<HeadRow>({
    environment,
    name: 'store',
    table: heads,
    unpack: toHead,
    pack: (row, key) => rows.pack(packHead(row), key),
  })
  const packRecord = (key: Buffer, rev: number, { token, owner }: Fence, value: Uint8Array): Buffer =>
    rows.pack([rev, token, owner, value], key)

  /** One commit as it will be stored: packing is what copies the caller's bytes. */
  class Commit extends GroupWrite<HeadRow, number> {
    override readonly kind = kind
    readonly #commit: StoreCommit
    readonly #key: Buffer
    readonly #recordKey: Buffer
    readonly #packed: Buffer
    readonly #outbox: readonly Buffer[]
    #before: HeadRow | undefined
    #after: HeadRow | undefined

    constructor(given: StoreCommit) {
      const commit = checkedCommit(given)
      super()
      this.#commit = commit
      this.#key = Buffer.from(commit.id)
      this.#recordKey = numbered(this.#key, commit.expectedRev + 1)
      this.#packed = packRecord(this.#recordKey, commit.expectedRev + 1, commit.fence, commit.value)
      this.#outbox = commit.outbox === undefined || commit.outbox.length === 0 ? NONE : commit.outbox.map((bytes) => rows.pack([bytes]))
    }

    override ids(): readonly string[] {
      return [this.#commit.id]
    }

    override plan([row]: readonly (HeadRow | undefined)[]): readonly HeadRow[] {
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
      return [this.#after]
    }

    override write(): void {
      const before = this.#before
      const { rev, oldest } = this.#after as HeadRow
      if (before?.value !== undefined) {
        const key = numbered(this.#key, before.rev)
        quietly(records.put(key, packRecord(key, before.rev, before.fence, before.value)))
      }
      quietly(records.put(this.#recordKey, this.#packed))
      for (let old = before?.oldest ?? rev; old < oldest; old++) quietly(records.remove(numbered(this.#key, old)))
      let seq = before?.outboxSeq ?? 0
      for (const item of this.#outbox) {
        const key = numbered(this.#key, ++seq)
        quietly(outboxes.put(key, rows.under(item, key)))
      }
    }

    override result(): number {
      return this.#commit.expectedRev + 1
    }
  }

  /** A fenced change of the head that writes no value; what it no longer covers is removed with it. */
  class HeadChange extends GroupWrite<HeadRow, void> {
    override readonly kind = kind
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

  return {
    heads,
    records,
    outboxes,
    commit: (commit) => new Commit(commit),
    settle(id, fence, seq) {
      checkCount('seq', seq, 0)
      const settled = (row: HeadRow): number => Math.max(row.outboxFrom, Math.min(seq, row.outboxSeq) + 1)
      return new HeadChange(id, fence, (row) => ({ ...row, outboxFrom: settled(row) }))
    },
    remove(id, fence) {
      const gone = (row: HeadRow): HeadRow => ({ ...row, rev: 0, value: undefined, oldest: 1, outboxFrom: row.outboxSeq + 1 })
      return new HeadChange(id, fence, gone)
    },
  }
}
