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
/** What may be the beginning of a miss is learned from when it has proved to be none, or after so many windows. */
const MOST_PENDING = 50
/** What is above the limit and has no more windows above the expected is a burst, and learned as well: the next one is no alarm. */
const MOST_BURST = 3
/** Were it higher, where there were bursts before, a miss of all decisions would take more than some windows to be found. */
const MOST_DISPERSION = 4
/** The dispersion is taken for 1 until there is evidence: as if so many events had come one by one. */
const PRIOR = 5

/**
 * Counts in windows, held against an expected mean by a Poisson CUSUM. Pure: whoever uses it says when a window ends. Once above its
 * limit it stays so until the sum is back at 0.
 * Events that come in bursts vary more than the Poisson law says. How many times as much, the index of dispersion, is learned from
 * windows after which the sum was back at 0, without an alarm or after a short one, and the limit is as many times as high: the
 * quasi-likelihood of R. W. M. Wedderburn, Biometrika 61 (1974).
 */
export class CountedWindows {
  readonly cusum: PoissonCusum
  #sum = 0
  #count = 0
  #above = false
  #known: Moments = NOTHING
  #pending: Moments = NOTHING
  /** Of what is pending: windows above the expected, and whether it was above the limit. */
  #busy = 0
  #raised = false

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
    this.#forgetPending()
  }

  end(): CountReading {
    const { k, h } = this.cusum
    const { limit } = this
    const count = this.#count
    this.#count = 0
    // Bounded, so that the end of the trouble is seen within some windows, however high the limit is.
    const before = this.#above ? Math.min(h, this.#sum) : this.#sum
    this.#sum = Math.min(2 * limit, Math.max(0, before + count - k))
    this.#above = this.#sum >= limit || (this.#above && this.#sum > 0)
    this.#learn(count)
    return { count, sum: this.#sum, limit, above: this.#above }
  }

  get #dispersion(): number {
    const { windows, events, squares } = this.#known
    if (windows === 0) return 1
    return Math.min(MOST_DISPERSION, Math.max(1, (squares + PRIOR) / (events + PRIOR) - events / windows))
  }

  #learn(count: number): void {
    this.#pending = both(this.#pending, { windows: 1, events: count, squares: count ** 2 }, 1)
    if (count > this.cusum.k) this.#busy += 1
    this.#raised ||= this.#above
    if (this.#sum > 0 && (this.#raised || this.#pending.windows < MOST_PENDING)) return
    if (!this.#raised || this.#busy <= MOST_BURST) this.#known = both(this.#known, this.#pending, 1)
    this.#forgetPending()
    if (this.#known.windows >= 2 * MEMORY) this.#known = both(NOTHING, this.#known, 0.5)
  }

  #forgetPending(): void {
    ;[this.#pending, this.#busy, this.#raised] = [NOTHING, 0, false]
  }
}

/** What the dispersion of counts is told from. */
interface Moments {
  readonly windows: number
  readonly events: number
  readonly squares: number
}

const NOTHING: Moments = { windows: 0, events: 0, squares: 0 }

function both(a: Moments, b: Moments, times: number): Moments {
  return {
    windows: a.windows + b.windows * times,
    events: a.events + b.events * times,
    squares: a.squares + b.squares * times,
  }
}
