import { createRowCodec } from '../store/row.ts'
import type { ResolvedJournalOptions } from './options.ts'
import { endOf, packSegment, SEGMENT_BYTES } from './segment.ts'
import type { JournalBatch, JournalChange, JournalHead, JournalSegment, JournalTable } from './table.ts'

export interface Tidier {
  readonly droppedUnread: number
  /** Moves and drops until there is nothing left to do, or the signal aborts: then it ends after the step it is at. */
  run(closing: AbortSignal): Promise<void>
}

// One transaction drops at most this many batches or segments.
const DROPS = 256

export function createTidier(table: JournalTable, name: string, options: ResolvedJournalOptions): Tidier {
  const { keepRecords, unread, archive, hotRecords, segmentRecords } = options
  const rows = createRowCodec()
  let droppedUnread = 0

  /** Moves one segment. False: too little to do. */
  async function move(): Promise<boolean> {
    const { row } = table.head(name)
    if (archive === undefined || row === undefined || row.end - row.cold < hotRecords + segmentRecords) return false
    const batches = take(row.cold, Math.min(row.cold + segmentRecords, row.end - hotRecords))
    const end = endOf(batches)
    if (end === undefined) return false
    const bytes = packSegment(rows, row.cold, batches)
    const id = await archive.put(name, row.cold, bytes)
    for (;;) {
      // Others append meanwhile, and may have moved or dropped the same records.
      const { tag, row: now } = table.head(name)
      if (now === undefined || now.cold !== row.cold) {
        // What they did not name is of no use any more: no other segment will begin here.
        if (table.segment(name, row.cold)?.id !== id) await archive.drop(name, row.cold, id)
        return true
      }
      const change: JournalChange = {
        head: { ...now, cold: end },
        addSegment: { first: row.cold, end, id, bytes: bytes.length },
        dropBatches: batches.map(({ first }) => first),
      }
      if ((await table.swap(name, tag, change)) !== undefined) return true
    }
  }

  function take(from: number, to: number): JournalBatch[] {
    const batches: JournalBatch[] = []
    let bytes = 0
    for (let at = from; at < to && bytes < SEGMENT_BYTES;) {
      const batch = table.batch(name, at)
      if (batch === undefined || batch.first !== at) break
      batches.push(batch)
      bytes += batch.items.reduce((sum, [, , value]) => sum + value.length, 0)
      at += batch.items.length
    }
    return batches
  }

  /** Whole batches and segments only, oldest first. False: nothing may go. */
  async function drop(): Promise<boolean> {
    const { tag, row } = table.head(name)
    if (row === undefined || keepRecords === Infinity) return false
    const positions = [...table.readers(name).values()]
    const wanted = row.end - keepRecords
    const to = unread === 'keep' ? Math.min(wanted, ...positions) : wanted
    const { first, dropBatches } = droppable(row, to)
    if (first === row.first) return false
    const head = { ...row, first, cold: Math.max(row.cold, first) }
    if ((await table.swap(name, tag, { head, dropBatches })) === undefined) return true
    droppedUnread += Math.max(0, first - Math.max(row.first, Math.min(first, ...positions)))
    return true
  }

  function droppable(row: JournalHead, to: number): { first: number; dropBatches: number[] } {
    const found = { first: row.first, dropBatches: [] as number[] }
    for (let count = 0; count < DROPS; count++) {
      const segment = found.first < row.cold ? table.segment(name, found.first) : undefined
      const batch = found.first < row.cold ? undefined : table.batch(name, found.first)
      const next = segment?.end ?? (batch && endOf([batch]))
      if (next === undefined || next > to) break
      if (segment === undefined) found.dropBatches.push(found.first)
      found.first = next
    }
    return found
  }

  /**
   * What was dropped goes from the archive as well. The rows of its segments stand until then: what fails here, is killed, or was dropped
   * by a process without the archive, is done another time. False: there is nothing left of it.
   */
  async function letGo(): Promise<boolean> {
    const { row } = table.head(name)
    if (archive === undefined || row === undefined) return false
    const segments: JournalSegment[] = []
    for (let at = 0; segments.length < DROPS;) {
      const segment = table.segment(name, at)
      if (segment === undefined || segment.end > row.first) break
      segments.push(segment)
      at = segment.end
    }
    if (segments.length === 0) return false
    for (const { first, id } of segments) await archive.drop(name, first, id)
    for (;;) {
      // Others append meanwhile.
      const { tag, row: now } = table.head(name)
      if (now === undefined) return false
      const change = { head: now, dropSegments: segments.map(({ first }) => first) }
      if ((await table.swap(name, tag, change)) !== undefined) return true
    }
  }

  return {
    get droppedUnread() {
      return droppedUnread
    },
    async run(closing) {
      while (!closing.aborted && (await drop()));
      while (!closing.aborted && (await move()));
      while (!closing.aborted && (await letGo()));
    },
  }
}
