import type { Clock, TimerHandle } from '@stigmergy/grid'

const LOOK_MS = 150_000

/**
 * Looks now and then at what is raised, as what nobody decides about any more would stay so for ever. No timer runs while nothing is.
 * `look`: true if there is more to look at.
 */
export class QuietLook {
  readonly #clock: Clock
  readonly #look: (nowMs: number) => boolean
  #timer: TimerHandle | undefined
  #closed = false

  constructor(clock: Clock, look: (nowMs: number) => boolean) {
    this.#clock = clock
    this.#look = look
  }

  /** There is something to look at. */
  begin(): void {
    if (this.#timer !== undefined || this.#closed) return
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined
      if (this.#look(this.#clock.now())) this.begin()
    }, LOOK_MS)
    // An alarm that nobody waits for holds no process (I8). Timers of a virtual clock hold none.
    ;(this.#timer as { readonly unref?: () => void } | undefined)?.unref?.()
  }

  close(): void {
    this.#closed = true
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
