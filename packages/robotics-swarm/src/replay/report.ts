import type { SafetyAccount } from '../safety-account.ts'
import type { SessionCount } from './counters.ts'

export interface ReplayTotals {
  /** Positions put, as a watcher of the map saw them; so the others. */
  readonly positions: number
  readonly discs: number
  readonly qcReadings: number
  /** Readings below 1.5 mm. */
  readonly qcOk: number
  /** Silences of the robot longer than the limit. */
  readonly staleStops: number
  /** Time in each state by the replay's clock, from the robot's first position to its last. */
  readonly msInRun: number
  readonly msInHold: number
  readonly msInStop: number
}

export interface ReplaySession extends ReplayTotals {
  readonly session: string
}

/** What `swarm replay --json` prints. */
export interface ReplayReport {
  readonly sessions: readonly ReplaySession[]
  readonly totals: ReplayTotals
}

/** Whole microseconds: below that there is only the noise of floating-point sums. */
const micro = (ms: number): number => Math.round(ms * 1000) / 1000

export function reportSession(session: string, count: Readonly<SessionCount>, account: SafetyAccount): ReplaySession {
  const { positions, discs, qcReadings, qcOk } = count
  const { stops, msInRun, msInHold, msInStop } = account
  return {
    session,
    positions,
    discs,
    qcReadings,
    qcOk,
    staleStops: stops,
    msInRun: micro(msInRun),
    msInHold: micro(msInHold),
    msInStop: micro(msInStop),
  }
}

export function reportAll(sessions: readonly ReplaySession[]): ReplayReport {
  const sum = (key: keyof ReplayTotals): number => micro(sessions.reduce((total, session) => total + session[key], 0))
  const totals = {
    positions: sum('positions'),
    discs: sum('discs'),
    qcReadings: sum('qcReadings'),
    qcOk: sum('qcOk'),
    staleStops: sum('staleStops'),
    msInRun: sum('msInRun'),
    msInHold: sum('msInHold'),
    msInStop: sum('msInStop'),
  }
  return { sessions, totals }
}
