import { setMaxListeners } from 'node:events'
import { createSystem, type ActorSystem } from '@stigmergy/core'
import { type Clock, type Grid, openGrid, systemClock, type VirtualClock } from '@stigmergy/grid'
import { SwarmError } from '../errors.ts'
import type { Recording } from '../recording/recording.ts'
import { createAlarm } from './alarm.ts'
import { checkReplay, faultsSoFar, type ReplayCheck } from './checks.ts'
import { type Counters, startCounters } from './counters.ts'
import { feed } from './feed.ts'
import { checkDuration, type ReplayOptions, resolveReplayOptions } from './options.ts'
import type { ReplayProgress } from './progress.ts'
import { openReplayCell, type ReplayCell } from './replay-cell.ts'
import { createRealPace, createVirtualPace } from './pace.ts'
import { openReplayLog, type ReplayLog } from './replay-log.ts'
import { openReplayMaps } from './replay-maps.ts'
import { createReplayRobot } from './replay-robot.ts'
import { type ReplayReport, reportAll, reportSession } from './report.ts'

export interface ReplayResult {
  readonly report: ReplayReport
  /** The replay's own checks: believe the report only if all of them pass. */
  readonly checks: readonly ReplayCheck[]
  readonly pass: boolean
}

/**
 * Plays a recording: each session is a cell of its own with a robot agent and a safety agent; all start together and share the grid.
 * Every recorded row is a put to a map, and everything that is reported was counted from map changes at a watcher.
 * Throws `SwarmError` BAD_OPTION, or ABORTED if the signal fires before the end; then there is no report and no log.
 */
export async function replay(recording: Recording, options: ReplayOptions = {}): Promise<ReplayResult> {
  checkDuration(recording, resolveReplayOptions(options).speed)
  const grid = options.grid ?? (await openGrid({ clock: options.clock ?? systemClock() }))
  const system = options.system ?? createSystem({ grid })
  let log: ReplayLog | undefined
  try {
    if (options.log !== undefined) log = openReplayLog(options.log)
    const result = await play(recording, options, { grid, system, log })
    log?.finish()
    return result
  } finally {
    log?.discard()
    if (!options.system) await system.close()
    if (!options.grid) await grid.close()
  }
}

interface Stage {
  readonly grid: Grid
  readonly system: ActorSystem
  readonly log: ReplayLog | undefined
}

async function play(recording: Recording, options: ReplayOptions, { grid, system, log }: Stage): Promise<ReplayResult> {
  const { speed, limits } = resolveReplayOptions(options)
  const { clock } = grid
  const maps = openReplayMaps(grid)
  const names = recording.sessions.map(({ session }) => session)
  const counters = startCounters(maps, names, limits.limitMs)
  let writeErrors = 0
  const before = faultsSoFar(grid, system, 0)
  const cells: ReplayCell[] = []
  let progress: NodeJS.Timeout | undefined
  const unobserve = options.observeAge?.(() =>
    cells
      .filter(({ account }) => account === undefined)
      .map(({ session }) => ({ map: 'robots', source: session, ageMs: maps.robots.sourceAgeMs(session) })),
  )
  const totalRows = recording.sessions.reduce((sum, { positions, events }) => sum + positions.rows + events.length, 0)
  try {
    const opening = createRealPace()
    const onError = (): void => void writeErrors++
    const robot = createReplayRobot((disc) => void maps.parts.remove(disc).catch(onError))
    for (const recorded of recording.sessions) {
      await opening.giveWay()
      if (options.signal?.aborted) throw interrupted(options.signal.reason, counters.rows, totalRows)
      cells.push(await openReplayCell(recorded, { system, maps, robot, limits, log, onError }))
    }
    const startMs = clock.now()
    log?.write({ type: 'start', schema_version: 1, startMs, speed, ...limits })
    const { onProgress } = options
    if (onProgress) progress = setInterval(() => onProgress(progressOf(clock.now() - startMs, totalRows, counters, cells)), 1000)
    await run(clock, options.signal, async (signal) => {
      const streams = cells.flatMap((cell) => cell.streams)
      const pace = isVirtual(clock) ? createVirtualPace() : createRealPace()
      await Promise.all(streams.map((stream) => feed(stream, { clock, startMs, speed, signal, pace })))
      await settled(clock, signal, () => counters.rows === totalRows && cells.every(({ account }) => account !== undefined))
    }).catch((error: unknown) => {
      throw options.signal?.aborted ? interrupted(error, counters.rows, totalRows) : error
    })
    const none = { stops: 0, msInRun: 0, msInHold: 0, msInStop: 0 }
    const report = reportAll(cells.map(({ session, account }) => reportSession(session, counters.sessions.get(session)!, account ?? none)))
    log?.write({ type: 'end', rows: report.totals.positions, stops: report.totals.staleStops })
    const after = faultsSoFar(grid, system, writeErrors)
    const faults = {
      guestErrors: after.guestErrors - before.guestErrors,
      deadLetters: after.deadLetters - before.deadLetters,
      writeErrors,
    }
    const checks = checkReplay({ recording, report, counters, cells, faults })
    return { report, checks, pass: checks.every(({ pass }) => pass) }
  } finally {
    clearInterval(progress)
    unobserve?.()
    counters.close()
    await Promise.all(cells.map((cell) => cell.close()))
  }
}

function interrupted(cause: unknown, rows: number, totalRows: number): SwarmError {
  return new SwarmError('ABORTED', `interrupted after ${rows} of ${totalRows} rows`, { cause })
}

/** Runs the work on its clock, moving a virtual one. The first failure, or the signal, ends all of it; then it throws that. */
async function run(clock: Clock, outer: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
  const failed = new AbortController()
  const signal = outer ? AbortSignal.any([outer, failed.signal]) : failed.signal
  // One listener per stream is no leak, however many streams there are.
  setMaxListeners(0, signal)
  let over = false
  const working = work(signal).finally(() => (over = true))
  const driving = isVirtual(clock) ? clock.runUntil(() => over, { signal }) : working
  const ends = [working, driving].map((end) =>
    end.catch((error: unknown) => {
      failed.abort(error)
      throw error
    }),
  )
  await Promise.allSettled(ends)
  await Promise.all(ends)
}

function isVirtual(clock: Clock): clock is VirtualClock {
  return 'runUntil' in clock
}

/** Agents and listeners run a little after the last put. They need no time, only their turn; if many turns do not do, the checks tell. */
async function settled(clock: Clock, signal: AbortSignal, done: () => boolean): Promise<void> {
  using alarm = createAlarm(clock, signal)
  for (let turn = 0; turn < 1000 && !done(); turn++) await alarm.turn()
}

function progressOf(elapsedMs: number, totalRows: number, counters: Counters, cells: readonly ReplayCell[]): ReplayProgress {
  const counts = [...counters.sessions.values()]
  const running = cells.filter(({ account }) => account === undefined)
  return {
    elapsedMs,
    rows: counters.rows,
    totalRows,
    positions: counts.reduce((sum, count) => sum + count.positions, 0),
    discs: counts.reduce((sum, count) => sum + count.discs, 0),
    qcReadings: counts.reduce((sum, count) => sum + count.qcReadings, 0),
    staleStops: cells.reduce((sum, cell) => sum + cell.stops, 0),
    cells: running.length,
    stopped: running.filter(({ safety }) => safety?.state === 'STOP').length,
  }
}
