import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Recording } from '../recording/recording.ts'
import type { LogLine } from './replay-log.ts'

/** A recorded gap that was no stop, or a stop that was no recorded gap: rows came later or closer together than recorded. */
export interface LogDifference {
  readonly session: string
  /** Sequence number of the row that ended the interval. */
  readonly seq: number
  /** `added`: a stop that the file does not show. `missing`: a gap of the file that was no stop. */
  readonly kind: 'added' | 'missing'
  readonly recordedGapMs: number
  readonly acceptedGapMs: number
  /** How much later than its due time the row was accepted, and the row before it. */
  readonly latenessMs: number
  readonly previousLatenessMs: number
}

export interface LogSession {
  readonly session: string
  readonly rows: number
  readonly stops: number
  /** Intervals between accepted rows above the limit, recomputed. */
  readonly longIntervals: number
  /** Recorded intervals above the limit times the speed. */
  readonly recordedGaps: number
  readonly latestMs: number
}

export interface LogCheck {
  readonly sessions: readonly LogSession[]
  readonly differences: readonly LogDifference[]
  /** What is wrong with the log itself; empty: stops and intervals agree, and every row of the recording is there. */
  readonly problems: readonly string[]
}

/**
 * Reads a replay's log again and recomputes its stops from the acceptance times alone. A second opinion: it has its own arithmetic
 * and shares no code with the safety or the replay. `recording` is the raw file the log is held against.
 */
export async function checkLog(file: string, recording: Recording): Promise<LogCheck> {
  const problems: string[] = []
  const rows = new Map<string, { recordedMs: number; acceptedAtMs: number }[]>()
  const stops = new Map<string, number[]>()
  let start: Extract<LogLine, { type: 'start' }> | undefined
  let end: Extract<LogLine, { type: 'end' }> | undefined
  for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    const line = JSON.parse(text) as LogLine
    if (line.type === 'start') start = line
    else if (line.type === 'end') end = line
    else if (line.type === 'stop') at(stops, line.session).push(line.afterSeq)
    else {
      const list = at(rows, line.session)
      if (line.seq !== list.length) problems.push(`${line.session}: row ${line.seq} where ${list.length} was due`)
      list.push(line)
    }
  }
  if (!start || !end)
    return { sessions: [], differences: [], problems: [`${file}: no whole log, its ${start ? 'last' : 'first'} line is missing`] }

  const { startMs, speed, limitMs } = start
  const differences: LogDifference[] = []
  const sessions = recording.sessions.map(({ session, positions }): LogSession => {
    const seen = rows.get(session) ?? []
    const stopped = new Set(stops.get(session))
    const late = (seq: number): number => seen[seq]!.acceptedAtMs - startMs - (positions.tMs[seq]! - positions.tMs[0]!) / speed
    let [longIntervals, recordedGaps, latestMs] = [0, 0, seen.length > 0 ? late(0) : 0]
    if (seen.length !== positions.rows) problems.push(`${session}: ${seen.length} rows logged of ${positions.rows}`)
    if (stopped.size !== (stops.get(session)?.length ?? 0)) problems.push(`${session}: a silence was logged as two stops`)
    for (let seq = 1; seq < Math.min(seen.length, positions.rows); seq++) {
      const recordedGapMs = positions.tMs[seq]! - positions.tMs[seq - 1]!
      const acceptedGapMs = seen[seq]!.acceptedAtMs - seen[seq - 1]!.acceptedAtMs
      // Whole microseconds here, whole nanoseconds there: below is only the noise of floating point.
      const long = Math.round(acceptedGapMs * 1e3) > Math.round(limitMs * 1e3)
      const recorded = Math.round(recordedGapMs * 1e6) > Math.round(limitMs * speed * 1e6)
      if (long) longIntervals++
      if (recorded) recordedGaps++
      latestMs = Math.max(latestMs, late(seq))
      if (seen[seq]!.recordedMs !== positions.tMs[seq]) problems.push(`${session}: row ${seq} is not the recorded one`)
      if (long !== stopped.delete(seq - 1))
        problems.push(`${session}: row ${seq} came after ${acceptedGapMs} ms, ${long ? 'but no stop' : 'and a stop'} was logged`)
      if (long !== recorded)
        differences.push({
          session,
          seq,
          kind: long ? 'added' : 'missing',
          recordedGapMs,
          acceptedGapMs,
          latenessMs: late(seq),
          previousLatenessMs: late(seq - 1),
        })
    }
    for (const seq of stopped) problems.push(`${session}: a stop after row ${seq}, which no row ended`)
    return { session, rows: seen.length, stops: stops.get(session)?.length ?? 0, longIntervals, recordedGaps, latestMs }
  })
  const [allRows, allStops] = [sum(sessions, 'rows'), sum(sessions, 'stops')]
  if (allRows !== end.rows || allStops !== end.stops)
    problems.push(`the log ends with ${end.rows} rows and ${end.stops} stops, but has ${allRows} and ${allStops}`)
  return { sessions, differences, problems }
}

function at<T>(lists: Map<string, T[]>, key: string): T[] {
  const list = lists.get(key) ?? []
  lists.set(key, list)
  return list
}

function sum(sessions: readonly LogSession[], key: 'rows' | 'stops'): number {
  return sessions.reduce((total, session) => total + session[key], 0)
}
