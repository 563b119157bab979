import { StoreError } from '../store/errors.ts'
import type { RowCodec } from '../store/row.ts'
import { JOURNAL_SCHEMA_VERSION, type BatchItem, type JournalBatch } from './table.ts'

const LENGTH_BYTES = 4
/** A segment is closed when it has this many bytes. */
export const SEGMENT_BYTES: number = 4 * 1024 * 1024

/** A batch as a row: `[schema_version, wallMs, [[producer, seq, value], …]]`. Where it stands says its first offset. */
export function packBatch(rows: RowCodec, wallMs: number, items: readonly BatchItem[]): Buffer {
  return rows.pack([JOURNAL_SCHEMA_VERSION, wallMs, items])
}

/** Throws `StoreError` STORE_BROKEN or STORE_NEWER; `journal` names it in the message. */
export function readBatch(rows: RowCodec, bytes: Uint8Array, journal: string, first: number, key?: Uint8Array): JournalBatch {
  const what = `records ${first} and on of journal ${journal}`
  const [version, wallMs, items] = rows.read(bytes, what, key) as [number, number, BatchItem[]]
  refuseNewer(version, what)
  return { first, wallMs, items }
}

/** A segment: a row `[schema_version, first, end]`, then its batches, each after its length (4 bytes, big endian). */
export function packSegment(rows: RowCodec, first: number, batches: readonly JournalBatch[]): Buffer {
  const end = endOf(batches) ?? first
  const parts = [rows.pack([JOURNAL_SCHEMA_VERSION, first, end]), ...batches.map(({ wallMs, items }) => packBatch(rows, wallMs, items))]
  return Buffer.concat(parts.flatMap((part) => [length(part), part]))
}

/** The batches of a segment. Throws `StoreError` STORE_BROKEN or STORE_NEWER. */
export function readSegment(rows: RowCodec, bytes: Uint8Array, journal: string): readonly JournalBatch[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const parts: Uint8Array[] = []
  for (let at = 0; at < bytes.length;) {
    const size = at + LENGTH_BYTES <= bytes.length ? view.getUint32(at) : Infinity
    at += LENGTH_BYTES
    if (at + size > bytes.length) throw new StoreError('STORE_BROKEN', `a segment of journal ${journal} ends in the middle of a batch`)
    parts.push(bytes.subarray(at, at + size))
    at += size
  }
  const [head = new Uint8Array(), ...rest] = parts
  const [version, first, end] = rows.read(head, `the head of a segment of journal ${journal}`) as [number, number, number]
  refuseNewer(version, `a segment of journal ${journal}`)
  const batches: JournalBatch[] = []
  for (const part of rest) batches.push(readBatch(rows, part, journal, endOf(batches) ?? first))
  if ((endOf(batches) ?? first) === end) return batches
  throw new StoreError('STORE_BROKEN', `a segment of journal ${journal} should end at ${end} and ends at ${endOf(batches)}`)
}

export function endOf(batches: readonly JournalBatch[]): number | undefined {
  const last = batches.at(-1)
  return last && last.first + last.items.length
}

function refuseNewer(version: number, what: string): void {
  if (version === JOURNAL_SCHEMA_VERSION) return
  throw new StoreError('STORE_NEWER', `${what} has schema version ${version}; this release knows ${JOURNAL_SCHEMA_VERSION}`)
}

function length(part: Uint8Array): Buffer {
  const bytes = Buffer.alloc(LENGTH_BYTES)
  bytes.writeUInt32BE(part.length)
  return bytes
}
