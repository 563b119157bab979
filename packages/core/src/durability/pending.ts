import { quote } from '../check.ts'
import { Deadline, type Deadlines } from '../deadlines.ts'
import { CoreError } from '../errors.ts'

/** Whoever asks the store something. */
export interface Asker<T> {
  /** As an error names it: `agent "r1"`. */
  readonly name: string
  done(answer: T): void
  failed(error: unknown): void
}

export type Ask = <T>(asker: Asker<T>, call: () => Promise<T>) => void

/** One question to the store. */
export class Pending<T> extends Deadline {
  readonly #asker: Asker<T>
  readonly #timeoutMs: number
  readonly #open: Set<Pending<never>>
  readonly #deadlines: Deadlines

  constructor(asker: Asker<T>, timeoutMs: number, open: Set<Pending<never>>, deadlines: Deadlines) {
    super()
    this.#asker = asker
    this.#timeoutMs = timeoutMs
    this.#open = open
    this.#deadlines = deadlines
  }

  /** From now on it has to be answered in time. */
  begin(): void {
    this.#open.add(this as Pending<never>)
    this.#deadlines.set(this, this.#timeoutMs)
  }

  #end(): boolean {
    this.#deadlines.clear(this)
    return this.#open.delete(this as Pending<never>)
  }

  readonly resolve = (value: T): void => {
    if (this.#end()) this.#asker.done(value)
  }

  readonly reject = (error: unknown): void => {
    if (this.#end()) this.#asker.failed(error)
  }

  override late(): void {
    this.reject(new CoreError('STORE_TIMEOUT', `the store did not answer within ${this.#timeoutMs} ms for ${this.#asker.name}`))
  }
}

export function agentName(id: string): string {
  return `agent ${quote(id)}`
}
