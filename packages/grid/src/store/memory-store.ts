import { commitEach } from './commit-each.ts'
import { StoreError } from './errors.ts'
import { checkCount, checkFence, checkId, checkNames, checkParts, fenced, refusal, resolveScan, sameFence, type Head } from './rules.ts'
import { Pages } from './pages.ts'
import type { OutboxItem, Store, StoreCommit, StoreEntry, StoreRecord } from './store.ts'

export interface MemoryStoreOptions {
  /** How many revisions of a record are kept, the present one included. @default 5 */
  readonly revisions?: number
}

interface Slot extends Head {
  /** Newest first; empty after a delete. */
  readonly records: readonly StoreRecord[]
  readonly outbox: readonly OutboxItem[]
}

const NONE: readonly never[] = []

/** A store in this process's memory: for tests, and what the real ones are compared with. Its level is `none`. */
export function createMemoryStore(options: MemoryStoreOptions = {}): Store {
  checkNames('createMemoryStore', options, ['revisions'])
  const keep = checkCount('revisions', options.revisions ?? 5, 1)
  const slots = new Map<string, Slot>()
  const { copy: copyOf } = new Pages()
  let closed = false

  function copy<T extends { readonly value: Uint8Array }>(item: T): T {
    return { ...item, value: copyOf(item.value) }
  }

  function open(): void {
    if (closed) throw new StoreError('CLOSED', 'the store is closed')
  }

  /** Throws what is wrong with it, before anything is written. */
  function write(commit: StoreCommit, slot: Slot | undefined): number {
    const { id, fence: given, value, outbox = NONE } = commit
    // A known id was checked when it came.
    if (slot === undefined) checkId(id)
    checkParts(commit)
    // The same object for all commits of one activation.
    const fence = slot !== undefined && sameFence(slot.fence, given) ? slot.fence : checkFence(given)
    const refused = refusal(slot, commit)
    if (refused !== undefined) throw refused
    const rev = (slot?.rev ?? 0) + 1
    const outboxSeq = slot?.outboxSeq ?? 0
    const before: readonly StoreRecord[] = slot?.records ?? NONE
    // Just as long as it is: a list that is grown has room for sixteen more, and there is one per record.
    const records = (before.length < keep ? before : before.slice(0, keep - 1)).toSpliced(0, 0, { rev, fence, value: copyOf(value) })
    const kept = slot?.outbox ?? NONE
    slots.set(id, {
      rev,
      fence,
      outboxSeq: outboxSeq + outbox.length,
      records,
      outbox: outbox.length === 0 ? kept : [...kept, ...outbox.map((bytes, at) => ({ seq: outboxSeq + at + 1, value: copyOf(bytes) }))],
    })
    return rev
  }

  async function commitAll(commits: readonly StoreCommit[]): Promise<readonly number[]> {
    open()
    const before: (Slot | undefined)[] = []
    const revs: number[] = []
    try {
      for (const commit of commits) {
        const slot = slots.get(commit.id)
        revs.push(write(commit, slot))
        before.push(slot)
      }
    } catch (error) {
      // All or none: what the batch has written so far is taken back, the last one first.
      for (let at = before.length - 1; at >= 0; at--) putBack((commits[at] as StoreCommit).id, before[at])
      throw error
    }
    return revs
  }

  function present(id: string): StoreRecord | undefined {
    const record = slots.get(checkId(id))?.records[0]
    return record && { rev: record.rev, fence: record.fence, value: copyOf(record.value) }
  }

  function putBack(id: string, slot: Slot | undefined): void {
    if (slot === undefined) slots.delete(id)
    else slots.set(id, slot)
  }

  const store: Store = {
    level: 'none',
    ordered: true,
    atomicBatch: 'any-ids',
    commitAll,
    commitEach: (commits) => commitEach(store.commit, commits),
    async commit(id, expectedRev, fence, value, outbox) {
      const [rev] = await commitAll([{ id, expectedRev, fence, value, ...(outbox && { outbox }) }])
      return rev as number
    },
    async get(id) {
      open()
      return present(id)
    },
    async getAll(ids) {
      open()
      return ids.map(present)
    },
    async revisions(id) {
      open()
      return (slots.get(checkId(id))?.records ?? []).map(copy)
    },
    async *scan(scanOptions) {
      const { prefix, after, limit } = resolveScan(scanOptions)
      let left = limit
      open()
      const ids = [...slots.keys()].filter((id) => id.startsWith(prefix) && (after === undefined || byBytes(id, after) > 0)).sort(byBytes)
      for (const id of ids) {
        open()
        const record = slots.get(id)?.records[0]
        if (record === undefined) continue
        if (left-- <= 0) return
        yield { ...copy(record), id } satisfies StoreEntry
      }
    },
    async outbox(id) {
      open()
      return (slots.get(checkId(id))?.outbox ?? []).map(copy)
    },
    async settle(id, given, seq) {
      open()
      checkCount('seq', seq, 0)
      const fence = checkFence(given)
      const slot = slots.get(checkId(id))
      const refused = fenced(id, slot, fence)
      if (refused !== undefined) throw refused
      if (slot !== undefined) slots.set(id, { ...slot, fence, outbox: slot.outbox.filter((item) => item.seq > seq) })
    },
    async delete(id, given) {
      open()
      const fence = checkFence(given)
      const slot = slots.get(checkId(id))
      const refused = fenced(id, slot, fence)
      if (refused !== undefined) throw refused
      slots.set(id, { rev: 0, fence, outboxSeq: slot?.outboxSeq ?? 0, records: [], outbox: [] })
    },
    async close() {
      closed = true
      slots.clear()
    },
    [Symbol.asyncDispose]: () => store.close(),
  }
  return store
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
