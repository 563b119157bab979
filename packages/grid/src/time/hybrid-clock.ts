import type { Clock } from './clock.ts'

// A stamp past this year 2255 or damaged is not followed: the clock could not count on from it.
const HIGHEST = 9_000_000_000_000_000

/**
 * Stamps that order writes of all processes: microseconds of the wall clock, but always higher than every stamp made or seen
 * before. So a write made after seeing another one is stamped higher, whatever the two wall clocks say; only writes that knew
 * nothing of each other are ordered by wall clocks. No age is ever judged by it (I4).
 * Source: Kulkarni et al., Logical Physical Clocks (2014). Theirs is a pair of time and counter; one number holds both here.
 */
export class HybridClock {
  readonly #clock: Clock
  #last = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  next(): number {
    this.#last = Math.max(this.#last + 1, Math.floor(this.#clock.wallNow() * 1000))
    return this.#last
  }

  see(stamp: number): void {
    if (stamp > this.#last && stamp < HIGHEST) this.#last = stamp
  }
}
