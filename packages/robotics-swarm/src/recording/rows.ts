/** A row of the file of positions, as it is written. */
export interface PositionRow {
  readonly session: string
  readonly tMs: number
  /** Metres. */
  readonly xM: number
  readonly yM: number
  readonly zM: number
}

/** A row of the file of events, as it is written. */
export interface EventRow {
  readonly session: string
  readonly tMs: number
  readonly source: string
  readonly tag: string
  readonly value: string
}

/** The rows of a whole recording, in the order of its files. */
export interface RecordingRows {
  readonly positions: readonly PositionRow[]
  readonly events: readonly EventRow[]
}

/** What a replay of a session must reproduce, counted from the rows alone. */
export interface ExpectedSession {
  positions: number
  /** Changes of Gate/GateState to `open`. */
  discs: number
  qcReadings: number
  /** Readings below 1.5 mm. */
  qcOk: number
  /** From the first position to the last. */
  durationMs: number
  /** Limit in ms -> intervals between successive positions that are longer. */
  gapsOverMs: Record<string, number>
}

/** Counts each session's rows. Written without the reader and the replay, which are judged by it. */
export function countExpected(rows: RecordingRows, gapsOverMs: readonly number[]): Record<string, ExpectedSession> {
  const expected: Record<string, ExpectedSession> = {}
  const of = (session: string): ExpectedSession =>
    (expected[session] ??= {
      positions: 0,
      discs: 0,
      qcReadings: 0,
      qcOk: 0,
      durationMs: 0,
      gapsOverMs: Object.fromEntries(gapsOverMs.map((ms) => [String(ms), 0])),
    })
  const newest: Record<string, number> = {}
  const gates: Record<string, string> = {}
  for (const { session, tMs } of rows.positions) {
    const counts = of(session)
    const gapMs = tMs - (newest[session] ?? tMs)
    newest[session] = tMs
    counts.positions++
    counts.durationMs += gapMs
    for (const limit of gapsOverMs) if (gapMs > limit) counts.gapsOverMs[String(limit)]! += 1
  }
  for (const { session, source, tag, value } of rows.events) {
    const counts = of(session)
    if (source === 'Gate' && tag === 'GateState') {
      if (value === 'open' && gates[session] !== 'open') counts.discs++
      gates[session] = value
    }
    if (source === 'Quality Control' && tag === 'DistanceAbs') {
      counts.qcReadings++
      if (Number(value) < 1.5) counts.qcOk++
    }
  }
  return expected
}
