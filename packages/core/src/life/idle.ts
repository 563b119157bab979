import { Deadline, type Deadlines } from '../deadlines.ts'

/** Notices that an agent has had nothing to do for a while. Costs nothing per event: it looks once in that time. */
export class Idle extends Deadline {
  readonly #deadlines: Deadlines
  readonly #afterMs: number
  readonly #idle: () => void
  #touched = false

  /** `idle`: called after `afterMs` without an event, at the latest after twice that time, and again as long as nothing comes. */
  constructor(deadlines: Deadlines, afterMs: number, idle: () => void) {
    super()
    this.#deadlines = deadlines
    this.#afterMs = afterMs
    this.#idle = idle
  }

  begin(): void {
    this.close()
    this.#touched = false
    this.#deadlines.set(this, this.#afterMs)
  }

  /** It had something to do. */
  touched(): void {
    this.#touched = true
  }

  override late(): void {
    const idle = !this.#touched
    this.begin()
    if (idle) this.#idle()
  }

  close(): void {
    this.#deadlines.clear(this)
  }
}
