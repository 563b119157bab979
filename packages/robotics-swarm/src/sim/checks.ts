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
  readonly loads: readonly BatchMean[]
}

// The measured miss rate of 400,000 parts lies within these of Erlang's, with 3 to 4 standard deviations of room.
const TOLERANCE_AT_400K = { deterministic: 0.0025, exponential: 0.003 } as const
const LOAD_STANDARD_ERRORS = 4

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
  return [
    compare('parts seen at the watcher', counts.parts, parts, 0),
    compare('picked + missed', counts.picked + counts.missed, parts, 0),
    compare('picks by the arms', counts.picksByArms, counts.picked, 0),
    compare('miss rate', counts.missed / parts, erlangB(robots, offeredLoad), TOLERANCE_AT_400K[pickTime] * Math.sqrt(400_000 / parts)),
    ...counts.loads.map((load, i) =>
      compare(`load of robot ${i + 1}`, load.mean, loads[i] ?? 0, LOAD_STANDARD_ERRORS * load.standardError),
    ),
  ]
}
