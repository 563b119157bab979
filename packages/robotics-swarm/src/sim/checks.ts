import { erlangB, orderedEntryLoads } from '../erlang.ts'
import type { BatchMean } from '../statistics.ts'
import type { ResolvedRunOptions } from './options.ts'

/** One comparison of a run with what it must be. */
export interface Check {
  readonly name: string
  readonly pass: boolean
  readonly measured: number
  readonly expected: number
  readonly tolerance: number
}

export interface RunCounts {
  readonly parts: number
  readonly picked: number
  readonly missed: number
  readonly picksByArms: number
  readonly failedWrites: number
  readonly loads: readonly BatchMean[]
  /** Time over which the loads were taken, in mean pick times. */
  readonly loadSpan: number
}

const FULL_RUN = 400_000
// The miss rate of 400,000 parts wanders by 0.00072 (deterministic) or 0.00087 (exponential) for the cells of the tests.
const MISS_TOLERANCE = { deterministic: 0.0025, exponential: 0.003 } as const
// Shorter runs are asked for more often: at 4.2 instead of 3.5 standard deviations one in 40,000 fails by chance.
const SHORT_RUN_ROOM = 1.2
const LOAD_STANDARD_ERRORS = 4
const MANY_BATCHES = 100
// Below this many picks in a batch the batches are far from normal, and counting picks says more.
const FEW_PICKS = 10

const compare = (name: string, measured: number, expected: number, tolerance: number): Check => ({
  name,
  pass: Math.abs(measured - expected) <= tolerance,
  measured,
  expected,
  tolerance,
})

/** Holds a run against the closed forms, and its counts against each other. */
export function checkRun(options: ResolvedRunOptions, counts: RunCounts): readonly Check[] {
  const { robots, offeredLoad, parts, pickTime } = options
  const loads = orderedEntryLoads(robots, offeredLoad)
  const missTolerance = MISS_TOLERANCE[pickTime] * Math.sqrt(FULL_RUN / parts) * (parts < FULL_RUN ? SHORT_RUN_ROOM : 1)
  return [
    compare('parts seen at the watcher', counts.parts, parts, 0),
    compare('picked + missed', counts.picked + counts.missed, parts, 0),
    compare('picks by the arms', counts.picksByArms, counts.picked, 0),
    compare('failed writes', counts.failedWrites, 0, 0),
    compare('miss rate', counts.missed / parts, erlangB(robots, offeredLoad), missTolerance),
    ...counts.loads.map((load, i) => {
      const expected = loads[i] ?? 0
      return compare(`load of robot ${i + 1}`, load.mean, expected, loadTolerance(load, expected, counts.loadSpan, pickTime))
    }),
  ]
}

function loadTolerance(load: BatchMean, expected: number, loadSpan: number, pickTime: ResolvedRunOptions['pickTime']): number {
  const picks = expected * loadSpan
  if (picks / load.batches >= FEW_PICKS) return studentQuantile(load.batches - 1) * load.standardError
  // A robot with hardly any work: its picks are a Poisson count, of mean `picks` and mean length 1.
  const variancePerPick = pickTime === 'deterministic' ? 1 : 2
  return (LOAD_STANDARD_ERRORS * Math.sqrt(variancePerPick * picks) + LOAD_STANDARD_ERRORS * variancePerPick) / loadSpan
}

/** How many standard errors of few batches are as rare as four of many (Cornish-Fisher expansion of Student's t). */
function studentQuantile(freedom: number): number {
  const z = LOAD_STANDARD_ERRORS
  if (freedom + 1 >= MANY_BATCHES) return z
  return z + (z ** 3 + z) / (4 * freedom) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2)
}
