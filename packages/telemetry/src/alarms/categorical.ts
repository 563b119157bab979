import { chiSquaredUpper } from './gamma.ts'
import { normalUpperQuantile } from './normal.ts'

/** How far two samples of categories are apart. */
export interface GTest {
  /** The statistic, Williams' correction and the dispersion included. */
  readonly g: number
  readonly degrees: number
  /** Probability of one as large, where nothing has changed. */
  readonly p: number
  /** The same as a standard normal value: 2 is a true two sigma, one-sided. Between -8 and 8. */
  readonly z: number
}

/** Beyond this a probability is not known any better, and one wild window would settle the matter alone. */
const MOST_SIGMA = 8

/**
 * G-test of homogeneity of two samples, counted over the same categories: the baseline's own chance is allowed for. With Williams'
 * correction. Source: R. R. Sokal and F. J. Rohlf, Biometry, section 17.4; D. A. Williams, Biometrika 63 (1976).
 * Expected counts should be 5 or more: see {@link poolRare}. `dispersion`: how many times as far as chance healthy samples are apart.
 */
export function gTest(counts: readonly number[], baseline: readonly number[], dispersion = 1): GTest {
  const [n, m] = [sum(counts), sum(baseline)]
  const total = n + m
  let [g, inverse, categories] = [0, 0, 0]
  for (const [at, base] of baseline.entries()) {
    const count = counts[at] ?? 0
    const both = count + base
    if (both === 0) continue
    categories += 1
    inverse += total / both
    g += term(count, (both * n) / total) + term(base, (both * m) / total)
  }
  if (categories < 2 || n === 0 || m === 0) return { g: 0, degrees: 0, p: 1, z: 0 }
  const degrees = categories - 1
  const correction = 1 + ((inverse - 1) * (total / n + total / m - 1)) / (6 * total * degrees)
  const corrected = Math.max(0, (2 * g) / correction / dispersion)
  const p = chiSquaredUpper(corrected, degrees)
  return { g: corrected, degrees, p, z: Math.max(-MOST_SIGMA, Math.min(MOST_SIGMA, normalUpperQuantile(p))) }
}

function term(seen: number, expected: number): number {
  return seen === 0 ? 0 : seen * Math.log(seen / expected)
}

/**
 * Which categories are too rare to stand alone in windows of `window`: their place in the baseline -> pooled. The rarest are pooled
 * until the pool is expected 5 times in a window, or only one is left beside it (W. G. Cochran, 1954).
 */
export function poolRare(baseline: readonly number[], window: number): ReadonlySet<number> {
  const total = sum(baseline)
  const pooled = new Set<number>()
  let pool = 0
  const rarestFirst = baseline.map((count, at) => ({ count, at })).sort((a, b) => a.count - b.count)
  for (const { count, at } of rarestFirst.slice(0, -1)) {
    const expected = (count * window) / total
    if (expected >= MIN_EXPECTED && (pooled.size === 0 || pool >= MIN_EXPECTED)) break
    pooled.add(at)
    pool += expected
  }
  return pooled
}

const MIN_EXPECTED = 5

/**
 * Population stability index of two samples, and what it must be above to be more than chance at that probability: fixed bounds such as
 * 0.25 forget how many were counted. Under no change PSI / (1/n + 1/m) is chi-squared (B. Yurdakul, 2018).
 * An empty category counts as half an observation.
 */
export function populationStability(counts: readonly number[], baseline: readonly number[]): { readonly psi: number; readonly p: number } {
  const [n, m] = [sum(counts), sum(baseline)]
  let psi = 0
  for (const [at, base] of baseline.entries()) {
    const [share, baseShare] = [Math.max(counts[at] ?? 0, 0.5) / n, Math.max(base, 0.5) / m]
    psi += (share - baseShare) * Math.log(share / baseShare)
  }
  return { psi, p: chiSquaredUpper(psi / (1 / n + 1 / m), baseline.length - 1) }
}

export function sum(values: Iterable<number>): number {
  let total = 0
  for (const value of values) total += value
  return total
}
