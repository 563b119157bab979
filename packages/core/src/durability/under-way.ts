import type { Encoded } from './checkpoint-owner.ts'
import type { Write } from './store-access.ts'
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

const NONE: readonly Commit[] = []

/** The commits of one agent that have no answer yet, the oldest first. Each is made upon the one before it. Mostly one, or none. */
export class UnderWay {
  #commits = NONE

  get size(): number {
    return this.#commits.length
  }

  /** One of them was refused: what is made upon it will be as well. */
  get troubled(): boolean {
    return this.#commits.some(({ failure }) => failure !== undefined)
  }

  add(commit: Commit): void {
    this.#commits = this.#commits.length === 0 ? [commit] : [...this.#commits, commit]
  }

  /** It is stored, so those before it are. False: that is known, as one after it was stored. */
  stored(commit: Commit): boolean {
    const at = this.#commits.indexOf(commit)
    if (at !== -1) this.#commits = at + 1 === this.#commits.length ? NONE : this.#commits.slice(at + 1)
    return at !== -1
  }

  /**
   * Undefined as long as one has no answer: it may be stored, and so may those before it whatever was heard of them. Then there are none any
   * more; what the oldest was refused for is the error, since the others could only follow from it.
   */
  refused(): { readonly error: unknown; readonly newest: Encoded } | undefined {
    const oldest = this.#commits[0]
    const newest = this.#commits.at(-1)
    if (oldest?.failure === undefined || newest === undefined) return undefined
    if (this.#commits.some(({ failure }) => failure === undefined)) return undefined
    this.#commits = NONE
    return { error: oldest.failure.error, newest: newest.state }
  }
}
