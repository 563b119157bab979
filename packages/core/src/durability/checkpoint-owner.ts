/** A state as it is stored, and the number up to which the gate opens once it is. */
export interface Encoded {
  readonly bytes: Uint8Array
  readonly upTo: number
}

/** Whose state it is. */
export interface CheckpointOwner {
  /** The state as it is now, with this child as it was before it failed. Throws `CoreError` BAD_STATE if it cannot be stored. */
  encode(failedChild: string | undefined): Encoded
  /** So many commits may be under way now. */
  readonly maxCommits: number
  committed(rev: number, encoded: Encoded): void
  /** The store failed and is tried again, or the state cannot be stored. */
  uncommitted(error: unknown): void
  /** Another activation has taken over (I1): this one is over. */
  lost(error: unknown): void
}
