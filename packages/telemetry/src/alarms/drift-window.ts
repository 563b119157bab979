import { pool, type Baseline, type PooledBaseline } from './baseline.ts'
import { gTest } from './categorical.ts'
import { cusumStep } from './cusum.ts'
import { Pace } from './pace.ts'

/** A baseline as windows of one size are held against it, and the limit of the CUSUM of their sigmas. */
interface Scale {
  readonly pooled: PooledBaseline
  readonly decisions: number
  readonly k: number
  readonly limit: number
  /** Of the sum, no more is remembered once it is above the limit: so much must be taken back until all is well. */
  readonly most: number
}

/** A baseline, and every size of windows that is held against it: the shortest first. */
export interface ScaledBaseline {
  readonly source: Baseline
  readonly scales: readonly Scale[]
}

export interface ScaleSettings {
  readonly windowDecisions: number
  readonly k: number
  /** Windows between false alarms of one agent, on average. */
  readonly runLength: number
}

/** Windows in a long one, at most. */
const MOST_SPAN = 16
/** A dozen long windows, as it takes to come back from a limit, would be hours. */
const MOST_OF_LONG = 4

/**
 * Windows of decisions that depend on each other say less than they seem to: what is small and lasts is hardly more than noise in each. So
 * beside them there are long ones of as many windows as the dispersion is large, which say as much as one of independent decisions
 * does. Each of the two has half of the budget of false alarms. `limitOf`: the limit of a CUSUM for a run length.
 */
export function scaled(baseline: Baseline, settings: ScaleSettings, limitOf: (runLength: number) => number): ScaledBaseline {
  const { windowDecisions, k, runLength } = settings
  const span = Math.min(MOST_SPAN, Math.round(baseline.dispersion ?? 1))
  const spans = span > 1 ? [1, span] : [1]
  const scales = spans.map((each) => {
    const decisions = each * windowDecisions
    // At five windows between false alarms a limit is none.
    const limit = limitOf(Math.min(1e12, Math.max(5, (runLength * spans.length) / each)))
    return { pooled: pool(baseline, decisions), decisions, k, limit, most: each === 1 ? limit + 1 : MOST_OF_LONG }
  })
  return { source: baseline, scales }
}

/** What one agent decided since its last window, and what is left of its CUSUM, at each scale. */
export class DriftWindow {
  readonly baseline: ScaledBaseline
  readonly pace: Pace = new Pace()
  #own: readonly ScaleWindow[]

  constructor(baseline: ScaledBaseline) {
    this.baseline = baseline
    this.#own = baseline.scales.map((scale) => new ScaleWindow(scale))
  }

  add(action: string, nowMs: number): void {
    this.pace.decided(nowMs)
    for (const own of this.#own) own.add(action)
  }

  /** As if nothing had been decided yet. */
  reset(): void {
    this.#own = this.baseline.scales.map((scale) => new ScaleWindow(scale))
  }

  /** Takes over what another one of that baseline has not judged yet. */
  take(other: DriftWindow): void {
    this.pace.join(other.pace)
    for (const [at, own] of this.#own.entries()) own.take(other.#own[at] as ScaleWindow)
  }

  /** Judges each window that is full. False: none is. */
  judge(): boolean {
    let judged = false
    for (const own of this.#own) judged = own.judge() || judged
    return judged
  }

  get drifting(): boolean {
    return this.#own.some(({ drifting }) => drifting)
  }

  /** Sigma of the last short window; sum and limit of the scale that is nearest to its limit, or furthest above. */
  get reading(): { readonly sigma: number; readonly sum: number; readonly limit: number } {
    const [short, ...others] = this.#own as [ScaleWindow, ...ScaleWindow[]]
    const { sigma } = short
    let worst = short
    for (const other of others) if (other.sum / other.limit > worst.sum / worst.limit) worst = other
    return { sigma, sum: worst.sum, limit: worst.limit }
  }
}

class ScaleWindow {
  sigma = 0
  sum = 0
  drifting = false
  readonly #scale: Scale
  #counts: number[]
  #decisions = 0

  constructor(scale: Scale) {
    this.#scale = scale
    this.#counts = scale.pooled.counts.map(() => 0)
  }

  get limit(): number {
    return this.#scale.limit
  }

  add(action: string): void {
    this.#count(this.#scale.pooled.placeOf(action), 1)
  }

  take(other: ScaleWindow): void {
    for (const [place, count] of other.#counts.entries()) this.#count(place, count)
  }

  judge(): boolean {
    const { pooled, decisions, k, limit, most } = this.#scale
    if (this.#decisions < decisions) return false
    this.sigma = gTest(this.#counts, pooled.counts, pooled.dispersion).z
    // Bounded, so that an agent that is well again is so within some windows.
    const before = this.drifting ? Math.min(most, this.sum) : this.sum
    this.sum = Math.min(limit + 1, cusumStep(before, this.sigma, k))
    this.drifting = this.sum > limit || (this.drifting && this.sum > 0)
    this.#counts = pooled.counts.map(() => 0)
    this.#decisions = 0
    return true
  }

  #count(place: number, count: number): void {
    this.#counts[place] = (this.#counts[place] ?? 0) + count
    this.#decisions += count
  }
}
