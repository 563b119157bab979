import type { Clock } from '../time/clock.ts'

/** Looked at again so often, in case nobody says that it is there. */
const LOOK_MS = 10

/**
 * Something that is there at once, or later. Those who wait for it get it in the order in which they asked, and before any who asks
 * when it is there: writes of a key that are made before a map is ready are sent in their order.
 */
export class Ready<T> {
  readonly #clock: Clock
  readonly #find: () => T | undefined
  #waiting: Promise<T> | undefined
  #wake: () => void = () => {}

  /** `find` throws where there is nothing to wait for. */
  constructor(clock: Clock, find: () => T | undefined) {
    this.#clock = clock
    this.#find = find
  }

  /** `after`: not before that. Throws, or rejects with, what `find` throws. */
  get(after?: Promise<void>): T | Promise<T> {
    if (this.#waiting !== undefined) return this.#waiting
    const there = this.#find()
    if (there !== undefined && after === undefined) return there
    const waiting = this.#wait(after)
    this.#waiting = waiting
    const served = (): void => {
      this.#waiting = undefined
    }
    // The first of those who wait, so that the others are served before anybody finds it there.
    waiting.then(served, served)
    return waiting
  }

  /** It may be there now, or never. */
  wake(): void {
    this.#wake()
  }

  async #wait(after: Promise<void> | undefined): Promise<T> {
    await after
    for (;;) {
      const there = this.#find()
      if (there !== undefined) return there
      await new Promise<void>((resolve) => {
        const timer = this.#clock.setTimeout(() => this.#wake(), LOOK_MS)
        this.#wake = () => {
          this.#clock.clearTimeout(timer)
          resolve()
        }
      })
    }
  }
}
