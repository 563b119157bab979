/** How far a replay is, as the watchers of the maps see it. */
export interface ReplayProgress {
  /** Time on the clock of the replay since its start. */
  readonly elapsedMs: number
  /** Rows that were seen, and rows that will be. */
  readonly rows: number
  readonly totalRows: number
  readonly positions: number
  readonly discs: number
  readonly qcReadings: number
  readonly staleStops: number
  /** Cells whose robot's stream has not ended, and those of them that stand still. */
  readonly cells: number
  readonly stopped: number
}
