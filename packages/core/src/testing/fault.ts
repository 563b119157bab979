import { COMMIT_POINTS, type CommitPoint } from './disk.ts'
import type { Random } from './random.ts'

/** What goes wrong in a simulation. */
export const FAULTS = [
  'kill',
  'die-at-point',
  'pause',
  'cut-off',
  'disk-gone',
  'disk-slow',
  'lost-answer',
  'crash',
  'told-twice',
  'wall-clock-off',
] as const

export type FaultKind = (typeof FAULTS)[number]

/** One that is planned. `told-twice` and `wall-clock-off` happen by themselves, all the time. */
export interface PlannedFault {
  readonly kind: Exclude<FaultKind, 'told-twice' | 'wall-clock-off'>
  readonly atMs: number
  /** How long it lasts, where it lasts. */
  readonly forMs: number
  readonly point: CommitPoint
}

/** How often each kind is drawn, beside the others. */
const WEIGHTS: readonly (readonly [PlannedFault['kind'], number])[] = [
  ['die-at-point', 9],
  ['kill', 2],
  ['pause', 2],
  ['cut-off', 2],
  ['disk-gone', 1],
  ['disk-slow', 2],
  ['lost-answer', 3],
  ['crash', 5],
]

/** Draws `count` faults between `fromMs` and `toMs`, in order of time. */
export function planFaults(random: Random, count: number, fromMs: number, toMs: number): readonly PlannedFault[] {
  const kinds = WEIGHTS.flatMap(([kind, weight]) => Array.from({ length: weight }, () => kind))
  return Array.from({ length: count }, () => ({
    kind: random.pick(kinds),
    atMs: random.integer(fromMs, toMs),
    forMs: random.integer(10, 80),
    point: random.pick(COMMIT_POINTS),
  })).sort((a, b) => a.atMs - b.atMs)
}
