/** A recording of cells at work, read and checked as a whole. Times are as recorded: good for intervals, never for ages (I4). */
export interface Recording {
  /** The folder it was read from. */
  readonly dir: string
  /** In the order of their first rows in the file of positions; sessions that have events only come last. */
  readonly sessions: readonly SessionRecording[]
}

/** One recorded session: one cell with one robot. The clocks of its two streams have nothing to do with each other. */
export interface SessionRecording {
  readonly session: string
  readonly positions: PositionColumns
  /** The events that mean something to a cell, in order of time. */
  readonly events: readonly CellEvent[]
  /** Recorded time of the event stream's first row, of whatever kind; undefined if it has no row. */
  readonly eventsStartMs: number | undefined
}

/** The robot's positions, one column each. Index i is row i of the session, in order of time. */
export interface PositionColumns {
  readonly rows: number
  readonly tMs: Float64Array
  /** Metres. */
  readonly xM: Float64Array
  readonly yM: Float64Array
  readonly zM: Float64Array
  /** OPC UA status codes; 0 is Good. */
  readonly status: Float64Array
}

export type CellEvent =
  /** The gate went from another state to open: a disc comes in. */
  | { readonly type: 'disc'; readonly tMs: number }
  /** The camera measured how far a disc lies from its place. */
  | { readonly type: 'reading'; readonly tMs: number; readonly distanceMm: number }

export const POSITION_FILE = 'robot_position.csv'
export const EVENT_FILE = 'cell_events.csv'
export const POSITION_COLUMNS: readonly string[] = ['session', 't_ms', 'x_m', 'y_m', 'z_m', 'status']
export const EVENT_COLUMNS: readonly string[] = ['session', 't_ms', 'source', 'tag', 'value', 'status']
