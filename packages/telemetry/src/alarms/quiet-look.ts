import type { Clock, TimerHandle } from '@stigmergy/grid'

/** How often in the time that it takes to be quiet it is looked who is. */
const LOOKS = 4

/**
 * Looks now and then at what is raised, as what nobody decides about any more would stay so for ever. No timer runs while nothing is.
 * `look`: is given the time before which whatever was last decided is long ago; true: there is more to look at.
 */
export class QuietLook {
  readonly #clock: Clock
  readonly #quietMs: number
  readonly #look: (beforeMs: number) => boolean
  #timer: TimerHandle | undefined
  #closed = false

  constructor(clock: Clock, quietMs: number, look: (beforeMs: number) => boolean) {
    this.#clock = clock
    this.#quietMs = quietMs
    this.#look = look
  }

  /** There is something to look at. */
  begin(): void {
    if (this.#timer !== undefined || this.#closed) return
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined
      if (this.#look(this.#clock.now() - this.#quietMs)) this.begin()
    }, this.#quietMs / LOOKS)
    // An alarm that nobody waits for holds no process (I8). Timers of a virtual clock hold none.
    ;(this.#timer as { readonly unref?: () => void } | undefined)?.unref?.()
  }

  close(): void {
    this.#closed = true
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
