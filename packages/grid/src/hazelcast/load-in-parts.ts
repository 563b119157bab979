import { setImmediate } from 'node:timers/promises'
import type { DriverFeed, DriverRecord } from '../driver.ts'

/** Decoding so many takes some milliseconds at most. */
const PART = 250

/**
 * Feeds a first load, and lets the event loop go on between its parts: a process that opens a large map still has to send its
 * beats, by which others tell the age of their copies (I4), and to hear theirs.
 */
export async function loadInParts<T>(
  feed: DriverFeed,
  values: Iterable<T>,
  toRecord: (value: T) => DriverRecord | undefined,
  size: number = PART,
): Promise<void> {
  let records: DriverRecord[] = []
  let count = 0
  for (const value of values) {
    const record = toRecord(value)
    if (record !== undefined) records.push(record)
    if (++count % size !== 0 || feed.loading === undefined) continue
    feed.loading(records)
    records = []
    await setImmediate()
  }
  feed.load(records)
}
