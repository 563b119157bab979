/** Whoever waits for states to be stored. */
export interface Waiting {
  resolve(): void
  /** `id`: of the agent whose state is not stored. */
  reject(error: unknown, id: string): void
}

/** One more that waits. */
interface Waiter {
  /** The commit that it waits for. */
  readonly commit: number
  readonly waiting: Waiting
  readonly next: Waiter | undefined
}

/** Those that wait for the commits of an agent, by their number. Mostly none, else one: only for more than that anything is made. */
export class Waiters {
  #commit = 0
  #first: Waiting | undefined
  #others: Waiter | undefined

  get none(): boolean {
    return this.#first === undefined
  }

  add(commit: number, waiting: Waiting): void {
    if (this.#first !== undefined) {
      this.#others = { commit, waiting, next: this.#others }
      return
    }
    this.#commit = commit
    this.#first = waiting
  }

  /** Tells those that wait for that commit or an earlier one. */
  tell(commit: number, failure: { readonly error: unknown } | undefined, id: string): void {
    const first = this.#first
    if (first === undefined) return
    let other = this.#others
    this.#first = undefined
    this.#others = undefined
    this.#tell(this.#commit, first, commit, failure, id)
    for (; other !== undefined; other = other.next) this.#tell(other.commit, other.waiting, commit, failure, id)
  }

  #tell(own: number, waiting: Waiting, commit: number, failure: { readonly error: unknown } | undefined, id: string): void {
    if (own > commit) this.add(own, waiting)
    else if (failure === undefined) waiting.resolve()
    else waiting.reject(failure.error, id)
  }
}
