import type { Clock } from '@stigmergy/grid'
import { createAlarm } from './alarm.ts'
import type { Pace } from './pace.ts'

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
  readonly pace: Pace
}

/**
 * Puts a stream's rows when they are due: recorded time divided by the speed. One timer at a time; the next row waits until
 * this one is committed. Rows that are due already (equal times, a late clock) follow each other at once, each accepted at its own time.
 */
export async function feed(stream: Stream, { clock, startMs, speed, signal, pace }: FeedOptions): Promise<void> {
  using alarm = createAlarm(clock, signal)
  for (let row = 0; row < stream.rows; row++) {
    await alarm.until(startMs + stream.offsetMs(row) / speed)
    for (let turn = pace.giveWay(alarm); turn; turn = pace.giveWay(alarm)) {
      await turn
      signal.throwIfAborted()
    }
    await stream.put(row)
  }
}
