import { isStoreError, StoreError } from '../store/errors.ts'
import { createRowCodec } from '../store/row.ts'
import type { SegmentArchive } from './archive.ts'
import type { JournalRecord } from './journal.ts'
import { readSegment } from './segment.ts'
import type { JournalBatch, JournalTable } from './table.ts'

export type ReadRecords = (from: number, limit: number) => Promise<readonly JournalRecord[]>

/** A step ends when it holds so much, with at least one record in it: records may have 16 MB each, and a reader that lags must not be the one that runs out of memory (I6). */
const STEP_BYTES = 4 * 1024 * 1024

/** Reads from the store, hot or cold. What is missing in the middle is an error, never left out (I5). */
export function createReadRecords(table: JournalTable, name: string, archive: SegmentArchive | undefined): ReadRecords {
  const rows = createRowCodec()
  // One segment, because a reader goes through it in steps.
  let cached: { readonly id: string; readonly batches: readonly JournalBatch[] } | undefined

  async function cold(offset: number): Promise<JournalBatch | undefined> {
    const segment = table.segment(name, offset)
    if (segment === undefined) return undefined
    if (cached?.id !== segment.id) {
      if (archive === undefined) {
        throw new StoreError(
          'BAD_OPTION',
          `record ${offset} of journal ${name} lies in blob ${segment.id}: open the journal with its archive`,
        )
      }
      cached = { id: segment.id, batches: readSegment(rows, await archive.get(segment.id), name) }
    }
    return cached.batches.find(({ first, items }) => first + items.length > offset)
  }

  /** A segment may be dropped, and its bytes with it, between the look at the head and the one at the archive. */
  async function coldUnlessGone(offset: number, tag: string | undefined): Promise<JournalBatch | undefined> {
    try {
      return await cold(offset)
    } catch (error) {
      if (isStoreError(error, 'BLOB_MISSING') && table.head(name).tag !== tag) return undefined
      throw error
    }
  }

  return async (from, limit) => {
    const records: JournalRecord[] = []
    let at = from
    let bytes = 0
    let missed: string | undefined
    while (records.length < limit && bytes < STEP_BYTES) {
      const { tag, row } = table.head(name)
      if (row === undefined || at >= row.end) break
      if (at < row.first) {
        if (records.length > 0) break
        throw new StoreError('JOURNAL_TRIMMED', `journal ${name} begins at ${row.first}: ${row.first - at} records from ${at} on are gone`)
      }
      const batch = at < row.cold ? await coldUnlessGone(at, tag) : table.batch(name, at)
      if (batch === undefined || batch.first > at) {
        // It was moved or dropped between two looks; if nothing has changed, it is lost.
        if (missed === tag) throw new StoreError('STORE_BROKEN', `record ${at} of journal ${name} is missing; it ends at ${row.end}`)
        missed = tag
        continue
      }
      for (const [producer, seq, value] of batch.items.slice(at - batch.first, at - batch.first + limit - records.length)) {
        // A copy: what was unpacked may share memory that is used again.
        records.push({ offset: at, producer, seq, value: new Uint8Array(value), wallMs: batch.wallMs })
        at += 1
        bytes += value.byteLength
        if (bytes >= STEP_BYTES) break
      }
    }
    return records
  }
}
