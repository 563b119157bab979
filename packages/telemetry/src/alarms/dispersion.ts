import { gTest, poolRare, sum } from './categorical.ts'

/** Pairs of decisions of one agent that are so many apart, and how many of them are the same action. */
export interface Pairs {
  pairs: number
  alike: number
}

/** Eight lags, both sides: independent decisions are taken for dependent ones once in 250 baselines. */
const LAG_SIGMA = 3.5
const WINDOW_SIGMA = 3
/** The true dispersion is below what is used in 19 of 20 baselines: what is too small breaks the budget of false alarms. */
const UPPER_SIGMA = 1.645
const ROUNDS = 3

/** True if decisions are alike as often as chance makes them, however far apart. */
export function looksIndependent(actions: ReadonlyMap<string, number>, lags: readonly Pairs[]): boolean {
  const total = sum(actions.values())
  const moment = (power: number): number => sum([...actions.values()].map((count) => (count / total) ** power))
  const alike = moment(2)
  // Of the products of what two indicators are off their means, summed over the actions.
  const variance = alike - 2 * moment(3) + alike ** 2
  if (variance <= 0) return true
  return lags.every(({ pairs, alike: seen }) => Math.abs(seen - pairs * alike) <= LAG_SIGMA * Math.sqrt(pairs * variance))
}

/**
 * How many times as far as independent decisions a baseline's own windows are spread: 1 where they are independent. Decisions that come in
 * runs, or agents that differ, make windows differ more than chance, and a G-test that does not know it finds drift in each of them.
 * The mean of the statistic over its degrees, as an upper bound: the quasi-likelihood of R. W. M. Wedderburn, Biometrika 61 (1974).
 */
export function dispersionOf(
  actions: ReadonlyMap<string, number>,
  windows: readonly ReadonlyMap<string, number>[],
  windowDecisions: number,
  independent: boolean,
): number {
  const names = [...actions.keys()]
  const all = [...actions.values()]
  let dispersion = 1
  for (let round = 0; round < ROUNDS; round++) {
    // As they are held against it later: with less to go by, more of the rare ones are one.
    const pooled = poolRare(all, windowDecisions / dispersion)
    const ratios = windows.flatMap((counts) => {
      const own = names.map((name) => counts.get(name) ?? 0)
      const [seen, rest] = [
        place(own, pooled),
        place(
          all.map((count, at) => count - (own[at] as number)),
          pooled,
        ),
      ]
      const { g, degrees } = gTest(seen, rest)
      return degrees === 0 ? [] : [g / degrees]
    })
    if (ratios.length < 2) return 1
    const mean = sum(ratios) / ratios.length
    const error = Math.sqrt(sum(ratios.map((ratio) => (ratio - mean) ** 2)) / (ratios.length - 1) / ratios.length)
    if (independent && mean - 1 <= WINDOW_SIGMA * error) return 1
    dispersion = Math.max(1, mean + UPPER_SIGMA * error)
  }
  return dispersion
}

/** Pooled categories as the last one. */
function place(counts: readonly number[], pooled: ReadonlySet<number>): readonly number[] {
  return [...counts.filter((_, at) => !pooled.has(at)), sum(counts.filter((_, at) => pooled.has(at)))]
}
