import type { Envelope } from './envelope.ts'

/** The event that the agent crashed on last, and whether it is to come again. */
export class Suspect {
  readonly #attempts: number
  #envelope: Envelope | undefined
  #crashes = 0
  #waits = false

  /** `attempts`: how often an event is given to an agent that crashes on it. */
  constructor(attempts: number) {
    this.#attempts = attempts
  }

  /** True if it is to be given again. */
  get waits(): boolean {
    return this.#waits
  }

  /** The agent crashed on it. True if it comes again; else it is poison. */
  crashed(envelope: Envelope, again: boolean): boolean {
    this.#crashes = envelope === this.#envelope ? this.#crashes + 1 : 1
    this.#waits = again && this.#crashes < this.#attempts
    this.#envelope = this.#waits ? envelope : undefined
    return this.#waits
  }

  take(): Envelope | undefined {
    if (!this.#waits) return undefined
    this.#waits = false
    return this.#envelope
  }
}
