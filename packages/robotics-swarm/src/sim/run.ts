import { createSystem } from '@stigmergy/core'
import type { Grid } from '@stigmergy/grid'
import type { TelemetryHooks } from '@stigmergy/telemetry'
import { type CellMaps, openCellMaps } from '../cell-maps.ts'
import { erlangB, orderedEntryLoads } from '../erlang.ts'
import { SwarmError } from '../errors.ts'
import { createRandom } from '../random.ts'
import { startArrivals } from './arrivals.ts'
import { startCell } from './cell.ts'
import { type Check, checkRun } from './checks.ts'
import { driveUntil } from './drive.ts'
import { createLayout } from './layout.ts'
import { type ResolvedRunOptions, resolveRunOptions, type RunOptions } from './options.ts'
import { createTally, type Tally } from './tally.ts'

/** The outcome of a simulated run; what `swarm run --json` prints. */
export interface RunReport {
  readonly robots: number
  readonly parts: number
  readonly missRate: number
  /** Share of its time each robot was busy, in belt order. */
  readonly loads: readonly number[]
  readonly expected: { readonly missRate: number; readonly loads: readonly number[] }
  readonly pass: boolean
  readonly transitions: number
  readonly gridPuts: number
  readonly mapEvents: number
  readonly picked: number
  readonly missed: number
  readonly offeredLoad: number
  readonly pickTime: string
  readonly seed: number
  /** Time that passed on the clock of the simulation, in seconds. */
  readonly simulatedSeconds: number
  readonly checks: readonly Check[]
}

/** How far a run is. */
export interface RunProgress {
  readonly simulatedMs: number
  readonly sent: number
  readonly parts: number
  readonly picked: number
  readonly missed: number
  readonly onBelt: number
}

export interface RunEnvironment {
  /** The shared memory; its clock, virtual or real, is the time of the whole run. Not closed by the run. */
  readonly grid: Grid
  readonly telemetry?: Pick<TelemetryHooks, 'core' | 'startTrace' | 'recordTaskAssignment'>
  /** Called about once a second of real time. */
  readonly onProgress?: (progress: RunProgress) => void
  readonly signal?: AbortSignal
}

/**
 * Sends Poisson parts down a belt past robots, every part through the agents and the maps of the grid, and holds what the
 * watchers of the maps saw against Erlang's formula.
 * @throws SwarmError BAD_OPTION, or ABORTED when the signal fires.
 */
export async function simulate(options: RunOptions, environment: RunEnvironment): Promise<RunReport> {
  const resolved = resolveRunOptions(options)
  const { grid, telemetry, onProgress, signal } = environment
  const { clock } = grid
  const maps = openCellMaps(grid)
  const system = createSystem({ grid, ...(telemetry && { hooks: telemetry.core }) })
  const counters = { transitions: 0, gridPuts: 0 }
  const unhook = [
    system.use({ onTransitionStart: () => void (counters.transitions += 1) }),
    grid.use({ onChange: (_map, change) => void (counters.gridPuts += change.type === 'put' ? 1 : 0) }),
  ]
  const layout = createLayout(clock, resolved.robots, resolved.beltSpeed)
  const pickTimes = layout.robotIds.map((_, i) => createRandom(resolved.seed, i + 1))
  const startedMs = clock.now()
  const windows = loadWindows(resolved, startedMs, layout.stationDelaysMs)
  const tally = createTally({ maps, robotIds: layout.robotIds, ...windows })
  const meanGapMs = resolved.pickMs / resolved.offeredLoad
  try {
    const cell = await startCell({
      system,
      layout,
      pickTimeMs: (robot) =>
        resolved.pickTime === 'deterministic' ? resolved.pickMs : (pickTimes[robot]?.exponential(resolved.pickMs) ?? 0),
      ...(telemetry && { onAssigned: (latencyMs: number) => telemetry.recordTaskAssignment(latencyMs / 1000) }),
    })
    const arrivals = startArrivals({
      clock,
      belt: layout.belt,
      camera: cell.camera,
      random: createRandom(resolved.seed, 0),
      meanGapMs,
      parts: resolved.parts,
      ...(telemetry && { beginTrace: (part: string) => telemetry.startTrace('camera frame', { 'part.id': part }) }),
    })
    const progress = setInterval(() => onProgress?.(progressOf(clock.now() - startedMs, arrivals.sent, tally, maps)), 1000)
    try {
      await driveUntil(clock, () => arrivals.finished && maps.parts.size === 0, {
        progress: () => arrivals.sent + tally.parts + tally.picked + tally.missed,
        // Far longer than any gap or pick of these means, and the way along the belt.
        stallMs: (layout.stationDelaysMs.at(-1) ?? 0) + 60 * (meanGapMs + resolved.pickMs),
        signal,
      })
    } finally {
      clearInterval(progress)
      arrivals.close()
      cell.close()
    }
    if (signal?.aborted === true) throw new SwarmError('ABORTED', `interrupted after ${arrivals.sent} of ${resolved.parts} parts`)
    const checks = checkRun(resolved, {
      parts: tally.parts,
      picked: tally.picked,
      missed: tally.missed,
      picksByArms: cell.arms.reduce((sum, arm) => sum + arm.picks, 0),
      failedWrites: cell.writes.failed,
      loads: tally.loads(),
      loadSpan: (windows.batchMs * windows.batches) / resolved.pickMs,
    })
    return report(resolved, tally, counters, checks, (clock.now() - startedMs) / 1000)
  } finally {
    tally.close()
    await system.close()
    for (const remove of unhook) remove()
  }
}

// Each robot's stream begins when the first part could reach it. The batches end a little before the last part is
// expected (arrival times wander by 1/sqrt(parts)), so that no batch holds the emptying belt.
function loadWindows(options: ResolvedRunOptions, startedMs: number, stationDelaysMs: readonly number[]) {
  const batches = Math.min(100, Math.max(10, Math.floor(options.parts / 1000)))
  const expectedMs = (options.parts * options.pickMs) / options.offeredLoad
  const batchMs = (expectedMs * Math.max(0.5, 1 - 4 / Math.sqrt(options.parts))) / batches
  return { fromMs: stationDelaysMs.map((delay) => startedMs + delay), batchMs, batches }
}

function progressOf(simulatedMs: number, sent: number, tally: Tally, maps: CellMaps): RunProgress {
  return { simulatedMs, sent, parts: tally.parts, picked: tally.picked, missed: tally.missed, onBelt: maps.parts.size }
}

function report(
  options: ResolvedRunOptions,
  tally: Tally,
  counters: { readonly transitions: number; readonly gridPuts: number },
  checks: readonly Check[],
  simulatedSeconds: number,
): RunReport {
  const { robots, offeredLoad, pickTime, seed } = options
  return {
    robots,
    parts: tally.parts,
    missRate: tally.missed / options.parts,
    loads: tally.loads().map((load) => load.mean),
    expected: { missRate: erlangB(robots, offeredLoad), loads: orderedEntryLoads(robots, offeredLoad) },
    pass: checks.every((check) => check.pass),
    ...counters,
    mapEvents: tally.mapEvents,
    picked: tally.picked,
    missed: tally.missed,
    offeredLoad,
    pickTime,
    seed,
    simulatedSeconds,
    checks,
  }
}
