import type { Clock, TimerHandle } from '@stigmergy/grid'

/** Pauses before what failed is tried again: doubled from the first up to the last. */
const MIN_MS = 100
const MAX_MS = 5000

/** Tries again what failed, after a pause that grows with each failure. */
export class Retry {
  readonly #clock: Clock
  readonly #again: () => void
  #timer: TimerHandle | undefined
  #pauseMs = MIN_MS

  constructor(clock: Clock, again: () => void) {
    this.#clock = clock
    this.#again = again
  }

  /** It will be tried when the pause is over. */
  get waits(): boolean {
    return this.#timer !== undefined
  }

  /** It failed. */
  begin(): void {
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined
      this.#again()
    }, this.#pauseMs)
    this.#pauseMs = Math.min(MAX_MS, this.#pauseMs * 2)
  }

  /** It is tried now, or never. */
  stop(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
