import { poissonCusum, type PoissonCusum } from './poisson-cusum.ts'

/** What the end of a window said. */
export interface CountReading {
  readonly count: number
  readonly sum: number
  readonly limit: number
  readonly above: boolean
}

/**
 * Counts in windows, held against an expected mean by a Poisson CUSUM. Pure: whoever uses it says when a window ends. Once above its
 * limit it stays so until the sum is back at 0.
 */
export class CountedWindows {
  readonly cusum: PoissonCusum
  #sum = 0
  #count = 0
  #above = false

  /** `mean`: expected count of a window while nothing is wrong; `times`: the factor to find; `runLength`: windows between false alarms. */
  constructor(mean: number, times: number, runLength: number) {
    this.cusum = poissonCusum(mean, mean * times, runLength)
  }

  /** There is nothing to remember: empty windows would change nothing. */
  get idle(): boolean {
    return this.#sum === 0 && this.#count === 0 && !this.#above
  }

  add(): void {
    this.#count += 1
  }

  /** Counted in this window so far. */
  get count(): number {
    return this.#count
  }

  /** The sum as it would be if the window ended now. */
  get sum(): number {
    return Math.max(0, this.#sum + this.#count - this.cusum.k)
  }

  /** Also before the window has ended: the count of it may be above the limit already. */
  get reached(): boolean {
    return this.#above || this.sum >= this.cusum.h
  }

  /** As if nothing had been counted yet. */
  reset(): void {
    ;[this.#sum, this.#count, this.#above] = [0, 0, false]
  }

  end(): CountReading {
    const { k, h } = this.cusum
    const count = this.#count
    this.#count = 0
    // Bounded, so that the end of the trouble is seen within a few windows.
    this.#sum = Math.min(2 * h, Math.max(0, this.#sum + count - k))
    this.#above = this.#sum >= h || (this.#above && this.#sum > 0)
    return { count, sum: this.#sum, limit: h, above: this.#above }
  }
}
