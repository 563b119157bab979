/**
 * Where checkpoints live: the port behind which the truth of an agent's state is kept.
 * In memory here; durable ones pass the same tests.
 */
export interface Store {
  /** The last committed record, or undefined. */
  get(id: string): Promise<StoreRecord | undefined>
  /**
   * Writes `value` as the revision after `expectedRev` (0: there must be none).
   * Refuses in the same atomic step an older `fence`, or a same fence of another `owner` (I1):
   * throws `CoreError` STORE_FENCED, or STORE_CONFLICT where `expectedRev` is not the present one.
   */
  commit(id: string, expectedRev: number, fence: Fence, value: Uint8Array): Promise<number>
  /** Forgets the record. Fences are checked as in `commit`. */
  delete(id: string, fence: Fence): Promise<void>
  close(): Promise<void>
}

/** Who writes, and by which right. `token` only grows; a store refuses a smaller one than it has seen. */
export interface Fence {
  readonly owner: string
  readonly token: number
}

export interface StoreRecord {
  readonly rev: number
  readonly fence: Fence
  readonly value: Uint8Array
}
