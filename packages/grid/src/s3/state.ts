import { fenced, refusal, type Head } from '../store/rules.ts'
import type { Fence, OutboxItem, StoreCommit, StoreRecord } from '../store/store.ts'

/** All that is stored of an id, in one object, so that every write of it is one atomic step (I1). */
export interface State extends Head {
  /** Newest first; empty after a delete. */
  readonly records: readonly StoreRecord[]
  readonly outbox: readonly OutboxItem[]
}

/** The state after the commit, with `keep` revisions. Throws the refusal. */
export function committed(state: State | undefined, commit: StoreCommit, keep: number): State {
  const refused = refusal(state, commit)
  if (refused !== undefined) throw refused
  const { fence, value, outbox = [] } = commit
  const rev = (state?.rev ?? 0) + 1
  const outboxSeq = state?.outboxSeq ?? 0
  return {
    rev,
    fence,
    outboxSeq: outboxSeq + outbox.length,
    records: [{ rev, fence, value }, ...(state?.records ?? [])].slice(0, keep),
    outbox: [...(state?.outbox ?? []), ...outbox.map((bytes, at) => ({ seq: outboxSeq + at + 1, value: bytes }))],
  }
}

/** The state without its outbox up to and with `seq`. Throws the refusal. */
export function settled(id: string, state: State | undefined, fence: Fence, seq: number): State | undefined {
  const refused = fenced(id, state, fence)
  if (refused !== undefined) throw refused
  return state && { ...state, fence, outbox: state.outbox.filter((item) => item.seq > seq) }
}

/** The fence, and nothing else but the number of the last outbox item. Throws the refusal. */
export function deleted(id: string, state: State | undefined, fence: Fence): State {
  const refused = fenced(id, state, fence)
  if (refused !== undefined) throw refused
  return { rev: 0, fence, outboxSeq: state?.outboxSeq ?? 0, records: [], outbox: [] }
}

export function toFields({ rev, fence, outboxSeq, records, outbox }: State): readonly unknown[] {
  return [
    ...[rev, fence.token, fence.owner, outboxSeq],
    records.map((record) => [record.rev, record.fence.token, record.fence.owner, record.value]),
    outbox.map(({ seq, value }) => [seq, value]),
  ]
}

type RecordFields = readonly [rev: number, token: number, owner: string, value: Uint8Array]
type Fields = readonly [number, number, string, number, readonly RecordFields[], readonly (readonly [seq: number, value: Uint8Array])[]]

export function toState(fields: readonly unknown[] | undefined): State | undefined {
  if (fields === undefined) return undefined
  const [rev, token, owner, outboxSeq, records, outbox] = fields as Fields
  return {
    rev,
    fence: { owner, token },
    outboxSeq,
    records: records.map(([each, eachToken, eachOwner, value]) => ({
      rev: each,
      fence: { owner: eachOwner, token: eachToken },
      value: own(value),
    })),
    outbox: outbox.map(([seq, value]) => ({ seq, value: own(value) })),
  }
}

/** A copy: what is unpacked shares memory with what it was unpacked from. */
function own(value: Uint8Array): Uint8Array {
  return new Uint8Array(value)
}
