import type { Clock } from '@stigmergy/grid'
import { createAlarm } from './alarm.ts'

/** One recorded stream: rows in order, each with its time since the stream's first row. */
export interface Stream {
  readonly rows: number
  offsetMs(row: number): number
  /** Resolves when the row is committed. */
  put(row: number): Promise<unknown>
}

export interface FeedOptions {
  readonly clock: Clock
  readonly startMs: number
  readonly speed: number
  readonly signal: AbortSignal
}

// Rows that are all due at once are put without waiting: timers and Ctrl-C get a turn at least this often (I8).
const ROWS_PER_TURN = 256

/**
 * Puts a stream's rows when they are due: recorded time divided by the speed. One timer at a time; the next row waits until
 * this one is committed. Rows that are due already (equal times, a late clock) follow each other at once, each accepted at its own time.
 */
export async function feed(stream: Stream, { clock, startMs, speed, signal }: FeedOptions): Promise<void> {
  using alarm = createAlarm(clock, signal)
  for (let row = 0, burst = 0; row < stream.rows; row++) {
    if (await alarm.until(startMs + stream.offsetMs(row) / speed)) burst = 0
    else if (++burst % ROWS_PER_TURN === 0) await alarm.turn()
    await stream.put(row)
  }
}
