import type { Row } from './bench.ts'

/** One way to do the work. */
export interface Contender {
  readonly name: string
  /** Does the work once. Returns its cost, and whether it was checked to have been done. */
  readonly round: () => Promise<{ readonly cost: number; readonly verified: boolean }>
}

export interface Pair {
  readonly subject: string
  /** Name of the contender that is ours, and of the one it is compared with. */
  readonly ours: string
  readonly peer: string
}

export interface CompareOptions {
  readonly rounds: number
  readonly unit: string
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}

/** All contenders take turns, each round in the other direction, so that what slows the machine slows them alike. One round warms up. */
export async function compare(
  contenders: readonly Contender[],
  pairs: readonly Pair[],
  { rounds, unit }: CompareOptions,
): Promise<readonly Row[]> {
  const costs = new Map<string, number[]>(contenders.map(({ name }) => [name, []]))
  const unverified = new Set<string>()
  for (let round = 0; round <= rounds; round++) {
    for (const { name, round: work } of round % 2 === 0 ? contenders : contenders.toReversed()) {
      const { cost, verified } = await work()
      if (!verified) unverified.add(name)
      if (round > 0) costs.get(name)?.push(cost)
    }
  }
  return pairs.map(({ subject, ours, peer }) => {
    const our = costs.get(ours) ?? []
    const their = costs.get(peer) ?? []
    const ratios = our.map((cost, i) => cost / (their[i] as number))
    return {
      subject,
      peer,
      ratio: median(ratios),
      min: Math.min(...ratios),
      max: Math.max(...ratios),
      unit,
      cost: median(our),
      peerCost: median(their),
      verified: !unverified.has(ours) && !unverified.has(peer),
    }
  })
}
