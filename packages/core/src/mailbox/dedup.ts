/**
 * The ids of the events of an agent that have one: those that wait, and a bounded number of those it has handled (I6).
 * An id is remembered from the acceptance of its event. It is forgotten when the event is lost, so that it may be sent again.
 */
export class Dedup {
  readonly #capacity: number
  readonly #waiting = new Set<string>()
  /** Oldest first. */
  readonly #handled = new Set<string>()
  #repeated = 0

  /** `handled`: what an earlier activation had handled, oldest first. */
  constructor(capacity: number, handled: Iterable<string> = []) {
    this.#capacity = capacity
    this.backTo(handled)
  }

  /** The state is one that has handled these, oldest first: what was handled since then has not been, and may be sent again. */
  backTo(handled: Iterable<string>): void {
    this.#handled.clear()
    for (const id of handled) {
      // It was sent again, and waits.
      if (this.#waiting.has(id)) continue
      this.#waiting.add(id)
      this.taken(id)
    }
  }

  /** Events that were not taken a second time. */
  get repeated(): number {
    return this.#repeated
  }

  /** The ids of handled events, oldest first. */
  get handled(): readonly string[] {
    return [...this.#handled]
  }

  /** True if an event of that id is new; it waits from now on. */
  accept(id: string): boolean {
    if (this.#capacity === 0) return true
    if (this.#waiting.has(id) || this.#handled.has(id)) {
      this.#repeated += 1
      return false
    }
    this.#waiting.add(id)
    return true
  }

  /** The agent takes the event. */
  taken(id: string): void {
    if (!this.#waiting.delete(id)) return
    this.#handled.add(id)
    if (this.#handled.size <= this.#capacity) return
    for (const oldest of this.#handled) {
      this.#handled.delete(oldest)
      break
    }
  }

  /** The agent broke on the event: it is not handled yet. */
  untaken(id: string): void {
    if (this.#handled.delete(id)) this.#waiting.add(id)
  }

  /** The event was lost. */
  lost(id: string): void {
    this.#waiting.delete(id)
    this.#handled.delete(id)
  }
}

/** An earlier activation had handled these, oldest first. What its inbox remembers itself is newer. */
export function rememberIds(
  agent: { readonly inbox: { dedup: Dedup | undefined } },
  capacity: number,
  handled: readonly string[] | undefined,
): void {
  if (handled !== undefined) agent.inbox.dedup ??= new Dedup(capacity, handled)
}
