import { solveFirst } from './linear.ts'
import { normalUpper } from './normal.ts'

/**
 * One-sided upper CUSUM on values that are standard normal while nothing is wrong (E. S. Page, "Continuous Inspection Schemes",
 * Biometrika 41, 1954): it adds what is above `k` and forgets what is below, and alarms above `h`.
 */
export function cusumStep(sum: number, z: number, k: number): number {
  return Math.max(0, sum + z - k)
}

/** States of the Markov chain below: twice as many change the tabled run lengths by less than 0.2 %. */
const STATES = 120

/**
 * Average run length of that CUSUM from 0 until it is above `h`, where the values are normal with mean `shift`, in values.
 * By a Markov chain over slices of [0, h): D. Brook and D. A. Evans, "An approach to the probability distribution of CUSUM run
 * length", Biometrika 59 (1972).
 */
export function cusumRunLength(h: number, k: number, shift = 0): number {
  const width = (2 * h) / (2 * STATES - 1)
  const size = STATES
  // Chance of a step that ends below the upper edge of the slice so many slices further up. It depends on their distance only.
  const upTo = Float64Array.from({ length: 2 * size }, (_, at) => 1 - normalUpper((at - size + 0.5) * width + k - shift))
  const rows = Array.from({ length: size }, (_, from) => {
    const row = new Float64Array(size + 1)
    for (let to = 0; to < size; to++) {
      const at = to - from + size
      const upper = upTo[at] as number
      // But for slice 0, which takes all that is below.
      const stay = to === 0 ? upper : upper - (upTo[at - 1] as number)
      row[to] = (to === from ? 1 : 0) - stay
    }
    row[size] = 1
    return row
  })
  return solveFirst(rows)
}

/**
 * The limit `h` at which a healthy CUSUM alarms once in `runLength` values on average: how a budget of false alarms becomes a limit.
 * Throws RangeError unless `runLength` is from 5 to 1e12 and `k` from 0.1 to 2.
 */
export function cusumLimit(runLength: number, k: number): number {
  if (!(runLength >= 5 && runLength <= 1e12)) throw new RangeError(`runLength is ${runLength}: give a number of values from 5 to 1e12`)
  if (!(k >= 0.1 && k <= 2)) throw new RangeError(`k is ${k}: give a number from 0.1 to 2`)
  const wanted = Math.log(runLength)
  const miss = (h: number): number => Math.log(cusumRunLength(h, k)) - wanted
  // The logarithm of the run length is close to a line in h, so the secant needs few steps; below it is bent, hence the bound.
  let [before, h] = [0.05, Math.max(0.1, siegmundLimit(runLength, k))]
  let [missBefore, missed] = [miss(before), miss(h)]
  for (let step = 0; step < 20 && Math.abs(missed) > 1e-4 && missed !== missBefore; step++) {
    const next = Math.max(1e-3, h - (missed * (h - before)) / (missed - missBefore))
    ;[before, missBefore] = [h, missed]
    ;[h, missed] = [next, miss(next)]
  }
  return h
}

/** Where to begin: D. Siegmund, Sequential Analysis (1985): run length = (exp(2 k b) - 2 k b - 1) / (2 k^2) with b = h + 1.166. */
function siegmundLimit(runLength: number, k: number): number {
  let b = 1
  for (let step = 0; step < 20; step++) b = Math.log(2 * k * k * runLength + 2 * k * b + 1) / (2 * k)
  return b - 1.166
}
