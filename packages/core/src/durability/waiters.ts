/** Whoever waits for a state to be stored. */
export interface Waiting {
  resolve(): void
  reject(error: unknown): void
}

interface Waiter {
  /** The commit that it waits for. */
  readonly commit: number
  readonly waiting: Waiting
  readonly next: Waiter | undefined
}

/** Those that wait for commits, by their number. A list of links: most agents have none that waits, the others one. */
export class Waiters {
  #first: Waiter | undefined

  get none(): boolean {
    return this.#first === undefined
  }

  add(commit: number, waiting: Waiting): void {
    this.#first = { commit, waiting, next: this.#first }
  }

  /** Tells those that wait for that commit or an earlier one. */
  tell(commit: number, failure: { readonly error: unknown } | undefined): void {
    let waiter = this.#first
    this.#first = undefined
    for (; waiter !== undefined; waiter = waiter.next) {
      if (waiter.commit > commit) this.add(waiter.commit, waiter.waiting)
      else if (failure === undefined) waiter.waiting.resolve()
      else waiter.waiting.reject(failure.error)
    }
  }
}
