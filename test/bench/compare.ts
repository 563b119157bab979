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
  readonly note?: string
}

export interface CompareOptions {
  readonly rounds: number
  readonly unit: string
  /** What all who take part have used so far, in microseconds of CPU time: it says what wall time does not on a busy machine. */
  readonly cpuUs?: () => Promise<number>
  /** Rounds before those that count, until both sides are compiled. @default 1 */
  readonly warmUps?: number
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}

/** All contenders take turns, each round in the other direction, so that what slows the machine slows them alike. */
export async function compare(
  contenders: readonly Contender[],
  pairs: readonly Pair[],
  { rounds, unit, cpuUs, warmUps = 1 }: CompareOptions,
): Promise<readonly Row[]> {
  const costs = new Map<string, number[]>(contenders.map(({ name }) => [name, []]))
  const cpu = new Map<string, number>(contenders.map(({ name }) => [name, 0]))
  const unverified = new Set<string>()
  for (let round = 0; round < warmUps + rounds; round++) {
    for (const { name, round: work } of round % 2 === 0 ? contenders : contenders.toReversed()) {
      const usedUs = await cpuUs?.()
      const { cost, verified } = await work()
      if (!verified) unverified.add(name)
      if (round < warmUps) continue
      costs.get(name)?.push(cost)
      if (cpuUs !== undefined) cpu.set(name, (cpu.get(name) ?? 0) + (await cpuUs()) - (usedUs ?? 0))
    }
  }
  return pairs.map(({ subject, ours, peer, note }) => {
    const our = costs.get(ours) ?? []
    const their = costs.get(peer) ?? []
    const ratios = our.map((cost, i) => cost / (their[i] as number))
    return {
      subject,
      peer,
      ...(note === undefined ? {} : { note }),
      ratio: median(ratios),
      min: Math.min(...ratios),
      max: Math.max(...ratios),
      unit,
      cost: median(our),
      peerCost: median(their),
      verified: !unverified.has(ours) && !unverified.has(peer),
      ...(cpuUs === undefined ? {} : { cpuRatio: (cpu.get(ours) ?? 0) / (cpu.get(peer) ?? 0) }),
    }
  })
}
