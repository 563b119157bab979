import type { StoreError } from './errors.ts'

/**
 * What an acknowledgement promises. A promise that resolves at level
 * `process`: survives `kill -9` of every process, because the operating system has it;
 * `host`: survives power loss as well, because the disk has flushed it.
 * A store in memory has neither and says `none`.
 */
export type AckLevel = 'none' | 'process' | 'host'

/** Who writes, and by which right. `token` only grows; a store refuses a smaller one than it has seen. */
export interface Fence {
  readonly owner: string
  readonly token: number
}

export interface StoreRecord {
  /** 1 for the first commit; grows by one with each. */
  readonly rev: number
  readonly fence: Fence
  /** A copy of the reader's own. */
  readonly value: Uint8Array
}

/** The least an agent needs of a store: the truth of its state, behind fences (I1). */
export interface StateStore {
  /** The last committed record, or undefined. */
  get(id: string): Promise<StoreRecord | undefined>
  /** As `get`, of many at once: one answer each, in their order. Fails as `get` of one of them would. @default they are asked for one by one */
  getAll?(ids: readonly string[]): Promise<readonly (StoreRecord | undefined)[]>
  /**
   * Writes `value` as the revision after `expectedRev` (0: there must be none) and returns that revision.
   * Refuses in the same atomic step an older `fence`, or the same token of another `owner` (I1): `STORE_FENCED`,
   * or `STORE_CONFLICT` where `expectedRev` is not the present one. Both have that `code`, and nothing was written.
   */
  commit(id: string, expectedRev: number, fence: Fence, value: Uint8Array): Promise<number>
  /**
   * True: commits of one id may be asked for before the one before has its answer. Each is decided upon in the order they were asked for, on
   * what those before it have made: where one is refused, so are those made upon it. @default false: one after the other
   */
  readonly ordered?: boolean
  /** Forgets the record, its older revisions and its outbox, but never its fence, which is checked as in `commit`. */
  delete(id: string, fence: Fence): Promise<void>
  close(): Promise<void>
}

/** One write of a batch. */
export interface StoreCommit {
  readonly id: string
  readonly expectedRev: number
  readonly fence: Fence
  readonly value: Uint8Array
  /** What must leave the agent because of this state: kept with it until {@link Store.settle}. */
  readonly outbox?: readonly Uint8Array[]
}

/** What became of one commit of {@link Store.commitEach}. */
export type CommitOutcome = { readonly ok: true; readonly rev: number } | { readonly ok: false; readonly error: StoreError }

export interface OutboxItem {
  /** Grows for ever per id, also over a delete; 1 is the first. */
  readonly seq: number
  readonly value: Uint8Array
}

export interface ScanOptions {
  readonly prefix?: string
  /** Starts after this id. */
  readonly after?: string
  /** @default no limit */
  readonly limit?: number
}

export interface StoreEntry extends StoreRecord {
  readonly id: string
}

/**
 * The durable store. Every write is one atomic step: state, fence check and outbox together. Errors are `StoreError`.
 * After an error that is not a refusal (`STORE_FENCED`, `STORE_CONFLICT`, `BAD_ID`, `BAD_OPTION`) the outcome is unknown: read again.
 */
export interface Store extends StateStore, AsyncDisposable {
  /** What a resolved write of this store promises. */
  readonly level: AckLevel
  commit(id: string, expectedRev: number, fence: Fence, value: Uint8Array, outbox?: readonly Uint8Array[]): Promise<number>
  /** What `commitAll` can do in one step: commits of any ids, or those of one id only. */
  readonly atomicBatch: 'any-ids' | 'one-id'
  /**
   * All or none, each checked as in `commit`; the first refusal is thrown. Of several ids `STORE_UNSUPPORTED`, and nothing written, where
   * {@link atomicBatch} is `one-id`.
   */
  commitAll(commits: readonly StoreCommit[]): Promise<readonly number[]>
  /**
   * Each by itself, as `commit`, and at once: they share transactions or requests as far as the store can. Those of one id follow each
   * other in the order given. Resolves, when all have an answer, to one outcome each; what one is refused does not touch the others.
   */
  commitEach(commits: readonly StoreCommit[]): Promise<readonly CommitOutcome[]>
  /** The present record and those before it that are kept, newest first. */
  revisions(id: string): Promise<readonly StoreRecord[]>
  /** The records in order of their ids' UTF-8 bytes. A record deleted or written meanwhile may be seen or not. */
  scan(options?: ScanOptions): AsyncIterable<StoreEntry>
  /** What is committed and not settled, in order. */
  outbox(id: string): Promise<readonly OutboxItem[]>
  /** Forgets the outbox up to and with `seq`, a whole number from 0 on. The fence is checked as in `commit`. */
  settle(id: string, fence: Fence, seq: number): Promise<void>
}
