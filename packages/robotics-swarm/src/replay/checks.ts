import type { ActorSystem } from '@stigmergy/core'
import type { Grid } from '@stigmergy/grid'
import type { Recording } from '../recording/recording.ts'
import type { Counters } from './counters.ts'
import type { ReplayCell } from './replay-cell.ts'
import type { ReplayReport } from './report.ts'

/** Something that must hold for a replay to be believed. */
export interface ReplayCheck {
  readonly name: string
  readonly pass: boolean
  readonly detail: string
}

export interface CheckedReplay {
  readonly recording: Recording
  readonly report: ReplayReport
  readonly counters: Counters
  readonly cells: readonly ReplayCell[]
  /** Errors of hooks, listeners and agents' writes during the replay, and letters nobody took. */
  readonly faults: Faults
}

export interface Faults {
  readonly guestErrors: number
  readonly deadLetters: number
  readonly writeErrors: number
}

/** What has gone wrong so far on this grid and in this system; the replay reports the difference. */
export function faultsSoFar(grid: Grid, system: ActorSystem, writeErrors: number): Faults {
  return { guestErrors: grid.guestErrors + system.guestErrors, deadLetters: system.deadLetters.count, writeErrors }
}

/** Compares what the watchers saw with the file, and the stops with the intervals between accepted rows. */
export function checkReplay({ recording, report, counters, cells, faults }: CheckedReplay): readonly ReplayCheck[] {
  const check = (name: string, wrong: readonly string[], detail: string): ReplayCheck => ({
    name,
    pass: wrong.length === 0,
    detail: wrong.length === 0 ? detail : wrong.join('; '),
  })
  const rowsSeen: string[] = []
  const stops: string[] = []
  const time: string[] = []
  for (const [i, recorded] of recording.sessions.entries()) {
    const { session, positions, discs, qcReadings, staleStops, msInRun, msInHold, msInStop } = report.sessions[i]!
    const { longIntervals, firstAtMs, newestAtMs } = counters.sessions.get(session)!
    const expect = (what: string, seen: number, rows: number): void => {
      if (seen !== rows) rowsSeen.push(`${session}: ${seen} ${what} seen of ${rows}`)
    }
    expect('positions', positions, recorded.positions.rows)
    expect('discs', discs, recorded.events.filter(({ type }) => type === 'disc').length)
    expect('readings', qcReadings, recorded.events.filter(({ type }) => type === 'reading').length)
    if (staleStops !== longIntervals) stops.push(`${session}: ${staleStops} stops, ${longIntervals} intervals over the limit`)
    const spentMs = msInRun + msInHold + msInStop
    const passedMs = positions === 0 ? 0 : newestAtMs - firstAtMs
    // Three roundings to a microsecond.
    if (!(Math.abs(spentMs - passedMs) < 0.002)) time.push(`${session}: ${spentMs} ms accounted, ${passedMs} ms passed`)
  }
  const unsafe = cells.filter(({ safety, account }) => account === undefined || (safety?.lost ?? 0) > 0).map(({ session }) => session)
  if (counters.resyncs > 0) rowsSeen.push(`a watcher was told ${counters.resyncs} times that it missed changes`)
  const { guestErrors, deadLetters, writeErrors } = faults
  const broken = Object.entries({ 'errors of listeners': guestErrors, 'dead letters': deadLetters, 'failed writes of agents': writeErrors })
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${count} ${what}`)
  const { totals } = report
  return [
    check(
      'every row was seen at a watcher',
      rowsSeen,
      `${totals.positions} positions, ${totals.discs} discs, ${totals.qcReadings} readings`,
    ),
    check('stops equal the intervals over the limit', stops, `${totals.staleStops} stops`),
    check('all time is accounted for', time, `${(totals.msInRun + totals.msInHold + totals.msInStop).toFixed(0)} ms`),
    check('safety heard every reading to the end', unsafe, `${cells.length} cells`),
    check('nothing failed unseen', broken, 'no errors, no dead letters'),
  ]
}
