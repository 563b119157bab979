import { equal, rejects } from 'node:assert/strict'
import { isStoreError, type StoreErrorCode } from '../../store/errors.ts'
import type { SegmentArchive } from '../archive.ts'
import type { Journal, JournalReader, JournalRecord } from '../journal.ts'
import type { JournalOptions } from '../options.ts'

/** One empty place to keep a journal in, fresh for each case. */
export interface JournalBench {
  /** Opens the journal; called twice, two of them share the place, as two processes do. The runner closes them. */
  open(options?: JournalOptions, name?: string): Promise<Journal>
  /** An archive, fresh for each case. */
  readonly archive: SegmentArchive
}

/** A behaviour every journal must show. It throws an AssertionError where it does not. */
export interface JournalCase {
  readonly name: string
  run(bench: JournalBench): Promise<void>
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Records as `offset producer seq value`. */
export const lines = (records: readonly JournalRecord[]): readonly string[] =>
  records.map(({ offset, producer, seq, value }) => `${offset} ${producer} ${seq} ${new TextDecoder().decode(value)}`)

export async function refused(promise: Promise<unknown>, code: StoreErrorCode, text = ''): Promise<void> {
  await rejects(promise, (error) => {
    if (!isStoreError(error, code)) throw error
    equal(error.message.includes(text), true, error.message)
    return true
  })
}

/** Appends numbers `from` to `to` of a producer, each in a commit of its own. */
export async function fill(journal: Journal, to: number, from = 1, producer = 'a'): Promise<void> {
  for (let seq = from; seq <= to; seq++) await journal.append(producer, seq, bytes(`${producer}${seq}`))
}

/** Reads until it has this many, and checks that no offset is left out. */
export async function drain(reader: JournalReader, count: number): Promise<readonly JournalRecord[]> {
  const records: JournalRecord[] = []
  while (records.length < count) records.push(...(await reader.next({ limit: count - records.length })))
  for (const [at, { offset }] of records.entries()) equal(offset, (records[0]?.offset ?? 0) + at)
  return records
}
