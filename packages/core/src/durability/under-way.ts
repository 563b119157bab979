import type { Encoded } from './checkpoint-owner.ts'
import type { Write } from './writes.ts'
import type { Fence } from './store.ts'

/** Whose state it is, and who hears what became of it. */
export interface Committing {
  readonly id: string
  readonly fence: Fence
  stored(commit: Commit, rev: number): void
  refused(): void
}

/** A state on its way to the store. */
export class Commit implements Write {
  readonly state: Encoded
  /** The how manieth of its agent it is. */
  readonly number: number
  expectedRev: number
  /** The answer, if the store did not take it. */
  failure: { readonly error: unknown } | undefined
  /** The one that is made upon it. */
  next: Commit | undefined
  readonly #of: Committing

  constructor(of: Committing, expectedRev: number, state: Encoded, number: number) {
    this.#of = of
    this.expectedRev = expectedRev
    this.state = state
    this.number = number
  }

  get id(): string {
    return this.#of.id
  }

  get fence(): Fence {
    return this.#of.fence
  }

  get value(): Uint8Array {
    return this.state.bytes
  }

  stored(rev: number): void {
    this.#of.stored(this, rev)
  }

  refused(error: unknown): void {
    this.failure = { error }
    this.#of.refused()
  }
}

/** The commits of one agent that have no answer yet, the oldest first. Each is made upon the one before it. Mostly one, or none. */
export class UnderWay {
  #oldest: Commit | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  /** One of them was refused: what is made upon it will be as well. */
  get troubled(): boolean {
    for (let commit = this.#oldest; commit !== undefined; commit = commit.next) if (commit.failure !== undefined) return true
    return false
  }

  get #newest(): Commit | undefined {
    let newest = this.#oldest
    while (newest?.next !== undefined) newest = newest.next
    return newest
  }

  add(commit: Commit): void {
    const newest = this.#newest
    if (newest === undefined) this.#oldest = commit
    else newest.next = commit
    this.#size += 1
  }

  /** It is stored, so those before it are. False: that is known, as one after it was stored. */
  stored(commit: Commit): boolean {
    let before = 0
    for (let at = this.#oldest; at !== commit; at = at.next) {
      if (at === undefined) return false
      before += 1
    }
    this.#oldest = commit.next
    this.#size -= before + 1
    return true
  }

  /**
   * Undefined as long as one has no answer: it may be stored, and so may those before it whatever was heard of them. Then there are none any
   * more; what the oldest was refused for is the error, since the others could only follow from it.
   */
  refused(): { readonly error: unknown; readonly newest: Encoded } | undefined {
    const oldest = this.#oldest
    const newest = this.#newest
    if (oldest?.failure === undefined || newest === undefined) return undefined
    for (let commit = oldest.next; commit !== undefined; commit = commit.next) if (commit.failure === undefined) return undefined
    this.#oldest = undefined
    this.#size = 0
    return { error: oldest.failure.error, newest: newest.state }
  }
}
