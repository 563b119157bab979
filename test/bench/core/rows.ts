import type { Contender, Pair } from '../compare.ts'
import { spawns, stops, weights } from './many.ts'
import { asleeps, checkpoints, payloads, restores } from './records.ts'
import { asks, tells } from './tell.ts'

interface Group {
  readonly contenders: readonly Contender[]
  readonly pairs: readonly Pair[]
  readonly unit: string
}

const pair = (subject: string, ours: string, ...peers: readonly string[]): readonly Pair[] => peers.map((peer) => ({ subject, ours, peer }))
const CPU = 'us CPU'

/** What is measured, by the names of the rows. */
export const groups: readonly Group[] = [
  {
    contenders: tells,
    pairs: [
      ...pair('tell-none', 'tell none', 'tell xstate', 'tell nact'),
      ...pair('tell-checkpoint', 'tell checkpoint', 'tell xstate'),
      ...pair('tell-gated', 'tell gated', 'tell xstate', 'tell xstate, same machine'),
    ],
    unit: 'ns',
  },
  { contenders: asks, pairs: pair('ask', 'ask ours', 'ask xstate', 'ask nact'), unit: CPU },
  { contenders: spawns, pairs: pair('spawn', 'spawn ours', 'spawn xstate', 'spawn nact'), unit: CPU },
  {
    contenders: weights,
    pairs: [...pair('bytes', 'bytes ours', 'bytes xstate', 'bytes nact'), ...pair('bytes-asleep', 'bytes asleep', 'bytes xstate')],
    unit: 'B',
  },
  { contenders: checkpoints, pairs: pair('checkpoint', 'checkpoint ours', 'checkpoint xstate'), unit: CPU },
  { contenders: payloads, pairs: pair('record', 'payload ours', 'payload xstate'), unit: 'B' },
  { contenders: restores, pairs: pair('restore', 'restore ours', 'restore xstate'), unit: CPU },
  { contenders: asleeps, pairs: pair('restore-asleep', 'asleep ours', 'asleep xstate'), unit: CPU },
  { contenders: stops, pairs: pair('stop-10k', 'stop 10k', 'stop 1k', 'stop xstate 1k'), unit: `${CPU} per agent` },
]

export const rowNames: readonly string[] = [...new Set(groups.flatMap(({ pairs }) => pairs.map(({ subject }) => subject)))]
