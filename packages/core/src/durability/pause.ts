import type { Clock } from '@stigmergy/grid'
import { Retry } from './retry.ts'

/** The pauses between tries of one thing, as promises: each longer than the one before. */
export class Pause {
  readonly #retry: Retry
  #over: () => void = () => undefined

  constructor(clock: Clock) {
    this.#retry = new Retry(clock, () => this.#over())
  }

  /** Resolves when the pause is over, or ended by `stop`. */
  wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#over = resolve
      this.#retry.begin()
    })
  }

  stop(): void {
    this.#retry.stop()
    this.#over()
  }
}
