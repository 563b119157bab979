import type { Keeping } from '../durability/keeping.ts'
import type { LastWords } from '../durability/last-words.ts'
import { thenEnd, type Tenure } from './tenure.ts'

/** The end of an agent: its last state is stored, what it has still to do is done, its lease is given back. */
export class Ending {
  /** Its last state is stored, or that there is none. */
  readonly #stored: Promise<void> | undefined
  readonly #words: LastWords | undefined
  #tenure: Tenure | undefined
  #over: Promise<void> | undefined

  /** `keeping`: undefined, there is nothing to store. */
  constructor(keeping: Keeping | undefined, state: 'last' | 'none', tenure: Tenure | undefined) {
    const stored = state === 'last' ? keeping?.end() : keeping?.forget()
    this.#stored = stored
    this.#words = state === 'last' ? keeping?.lastWords : undefined
    this.#over = stored && (this.#words?.run(stored) ?? stored)
    // Whoever stops it hears of the error; the hooks have heard of it already.
    this.#stored?.catch(() => undefined)
    this.give(tenure)
  }

  /** Gives the lease back once all is over. */
  give(tenure: Tenure | undefined): void {
    if (tenure !== undefined) this.#over = thenEnd(this.#over, tenure)
    this.#tenure = tenure
    this.#over?.catch(() => undefined)
  }

  /** Resolves once nothing of it goes on. Undefined: nothing does. */
  get over(): Promise<void> | undefined {
    return this.#over
  }

  /** Something is being done, or is about to be. */
  get busy(): boolean {
    return this.#words?.busy === true
  }

  /** Somebody else is to go on with what it has not done yet. As `over`, soon. */
  handOver(): Promise<void> | undefined {
    this.#words?.cut()
    return this.#over
  }

  /** Its last state could not be stored, and nobody goes on. */
  abandon(): void {
    this.#words?.abandon()
  }

  /** What a stop waits for. With a lease, whoever waits for the agent elsewhere may begin then. */
  get stopped(): Promise<void> | undefined {
    return this.#tenure === undefined ? this.#stored : this.handOver()
  }
}

/** The endings of a system that are not over. */
export class Endings {
  readonly #endings = new Map<string, Ending>()

  /** Agents that have ended, and of which something is still being stored or done. */
  get ids(): readonly string[] {
    return [...this.#endings.keys()]
  }

  /** Something that one of them said is being done, or is about to be. */
  get busy(): boolean {
    return [...this.#endings.values()].some((ending) => ending.busy)
  }

  add(id: string, ending: Ending | undefined): void {
    if (ending?.over === undefined) return
    this.#endings.set(id, ending)
    const over = (): void => {
      if (this.#endings.get(id) === ending) this.#endings.delete(id)
    }
    ending.over.then(over, over)
  }

  /**
   * An agent of that id is about to begin: the one before it may still be writing its last state, and its word comes first. What that came
   * to is told to whoever stopped it. Undefined: there is none.
   */
  before(id: string): Promise<void> | undefined {
    return this.#endings
      .get(id)
      ?.handOver()
      ?.catch(() => undefined)
  }

  /** All of them, soon. */
  handOver(): readonly Promise<void>[] {
    return Array.from(this.#endings.values(), (ending) => ending.handOver()).filter((over) => over !== undefined)
  }
}

/** Stops an agent that begins nothing any more: what it has not done is for the next activation. */
export async function leave(agent: { stop(): Promise<void>; readonly ending: Ending | undefined }): Promise<void> {
  try {
    await agent.stop()
  } catch (error) {
    agent.ending?.abandon()
    throw error
  }
  await agent.ending?.handOver()
}
