import { CoreError } from '../errors.ts'

/** Events of its own an agent may handle in one go. A loop of them would hang the process (I8). */
const MAX_CHAIN = 100_000

/** Counts the events an agent sends itself until its stack is empty. */
export class Chain {
  readonly #agentId: string
  #length = 0

  constructor(agentId: string) {
    this.#agentId = agentId
  }

  /** One more. Throws `CoreError` ENDLESS_LOOP. */
  link(): void {
    this.#length += 1
    if (this.#length === 1) {
      queueMicrotask(() => {
        this.#length = 0
      })
    }
    if (this.#length <= MAX_CHAIN) return
    const id = JSON.stringify(this.#agentId)
    throw new CoreError('ENDLESS_LOOP', `agent ${id} sent itself ${MAX_CHAIN} events in one go: that has no end`)
  }
}
