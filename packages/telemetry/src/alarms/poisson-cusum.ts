import { logGamma } from './gamma.ts'
import { solveFirst } from './linear.ts'

/** A CUSUM over counts: it adds what is above `k` in each window, and alarms at `h` or more. */
export interface PoissonCusum {
  readonly k: number
  readonly h: number
  /** Windows until it alarms while nothing is wrong, on average. At least what was asked for. */
  readonly runLength: number
}

/** Sums are held in these parts of a count, so that they are states of a finite chain. */
const PARTS = 10
const MOST_STATES = 600
const NEVER = 1e12

/**
 * A CUSUM for counts that are Poisson with `mean` while nothing is wrong, tuned to find `shifted`, with at most one false alarm in
 * `runLength` windows. Source: J. M. Lucas, "Counted Data CUSUM's", Technometrics 27 (1985); run length by the exact Markov chain.
 * Throws RangeError for a `mean` that is not above 0 and below `shifted`, or a limit that no chain of 600 states reaches.
 */
export function poissonCusum(mean: number, shifted: number, runLength: number): PoissonCusum {
  if (!(mean > 0 && shifted > mean))
    throw new RangeError(`the mean count is ${mean} and the shifted one ${shifted}: give 0 < mean < shifted`)
  const exact = (shifted - mean) / Math.log(shifted / mean)
  const k = Math.max(1, Math.round(exact * PARTS)) / PARTS
  let [low, high] = [0, PARTS]
  while (chainRunLength(mean, k, high) < runLength) {
    ;[low, high] = [high, high * 2]
    if (low >= MOST_STATES) throw new RangeError(`no limit gives ${runLength} windows: the shift from ${mean} to ${shifted} is too small`)
  }
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (chainRunLength(mean, k, middle) < runLength) low = middle
    else high = middle
  }
  return { k, h: high / PARTS, runLength: chainRunLength(mean, k, high) }
}

/** Windows until the sum is at least `states` parts, from 0, on average. */
function chainRunLength(mean: number, k: number, states: number): number {
  const step = Math.round(k * PARTS)
  const most = Math.ceil((states + step) / PARTS)
  const chance = Array.from({ length: most + 1 }, (_, count) => Math.exp(count * Math.log(mean) - mean - logGamma(count + 1)))
  const rows = Array.from({ length: states }, (_, from) => {
    const row = new Float64Array(states + 1)
    row[from] = 1
    for (const [count, p] of chance.entries()) {
      const to = Math.max(0, from + count * PARTS - step)
      if (to < states) row[to] = (row[to] as number) - p
    }
    row[states] = 1
    return row
  })
  const windows = solveFirst(rows)
  // Where leaving is all but impossible, rounding leaves nothing to divide by.
  return windows > 0 && windows < NEVER ? windows : Infinity
}
