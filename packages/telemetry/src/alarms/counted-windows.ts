import { poissonCusum, type PoissonCusum } from './poisson-cusum.ts'

/** What the end of a window said. */
export interface CountReading {
  readonly count: number
  readonly sum: number
  readonly limit: number
  readonly above: boolean
}

/** Windows that the dispersion is learned from count half after so many. */
const MEMORY = 1000
/** The dispersion is taken for 1 until there is evidence: as if so many events had come one by one. */
const PRIOR = 5

/**
 * Counts in windows, held against an expected mean by a Poisson CUSUM. Pure: whoever uses it says when a window ends. Once above its
 * limit it stays so until the sum is back at 0.
 * Events that come in bursts vary more than the Poisson law says. How many times as much, the index of dispersion, is learned from the
 * windows in which nothing is above the limit, and the limit is as many times as high: the quasi-likelihood of R. W. M. Wedderburn,
 * Biometrika 61 (1974).
 */
export class CountedWindows {
  readonly cusum: PoissonCusum
  #sum = 0
  #count = 0
  #above = false
  #windows = 0
  #events = 0
  #squares = 0

  /** `mean`: expected count of a window while nothing is wrong; `times`: the factor to find; `runLength`: windows between false alarms. */
  constructor(mean: number, times: number, runLength: number) {
    this.cusum = poissonCusum(mean, mean * times, runLength)
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

  get limit(): number {
    return this.cusum.h * this.#dispersion
  }

  /** Also before the window has ended: the count of it may be above the limit already. */
  get reached(): boolean {
    return this.#above || this.sum >= this.limit
  }

  /** As if nothing had been counted yet; how it is dispersed is known still. */
  reset(): void {
    ;[this.#sum, this.#count, this.#above] = [0, 0, false]
  }

  end(): CountReading {
    const { k } = this.cusum
    const { limit } = this
    const count = this.#count
    this.#count = 0
    // Bounded, so that the end of the trouble is seen within a few windows.
    this.#sum = Math.min(2 * limit, Math.max(0, this.#sum + count - k))
    const was = this.#above
    this.#above = this.#sum >= limit || (was && this.#sum > 0)
    if (!was) this.#learn(count)
    return { count, sum: this.#sum, limit, above: this.#above }
  }

  get #dispersion(): number {
    if (this.#windows === 0) return 1
    return Math.max(1, (this.#squares + PRIOR) / (this.#events + PRIOR) - this.#events / this.#windows)
  }

  #learn(count: number): void {
    this.#windows += 1
    this.#events += count
    this.#squares += count ** 2
    if (this.#windows < 2 * MEMORY) return
    this.#windows /= 2
    this.#events /= 2
    this.#squares /= 2
  }
}
