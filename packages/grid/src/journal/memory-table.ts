import { createRowCodec } from '../store/row.ts'
import { packBatch, readBatch } from './segment.ts'
import type { JournalHead, JournalSegment, JournalTable } from './table.ts'

interface Log {
  writes: number
  head: JournalHead | undefined
  readonly producers: Map<string, number>
  readonly readers: Map<string, number>
  /** By first offset, in order. */
  readonly batches: Map<number, Uint8Array>
  readonly segments: Map<number, JournalSegment>
  readonly listeners: Set<() => void>
}

/** Journals in this process's memory, gone with it: for tests, and what the real ones are compared with. Their level is `none`. */
export function createMemoryJournalTable(): JournalTable {
  const rows = createRowCodec()
  const logs = new Map<string, Log>()

  function log(name: string): Log {
    let found = logs.get(name)
    if (found === undefined) {
      const maps = { producers: new Map(), readers: new Map(), batches: new Map(), segments: new Map(), listeners: new Set<() => void>() }
      logs.set(name, (found = { writes: 0, head: undefined, ...maps }))
    }
    return found
  }

  const tell = ({ listeners }: Log): void => listeners.forEach((fn) => queueMicrotask(fn))

  return {
    level: 'none',
    head(name) {
      const { writes, head } = log(name)
      return head === undefined ? { tag: undefined, row: undefined } : { tag: String(writes), row: head }
    },
    lastSeq: (name, producer) => log(name).producers.get(producer) ?? 0,
    batch(name, offset) {
      for (const [first, bytes] of log(name).batches) {
        const batch = readBatch(rows, bytes, name, first)
        if (first + batch.items.length > offset) return batch
      }
      return undefined
    },
    pack: (wallMs, items) => packBatch(rows, wallMs, items),
    segment: (name, offset) => [...log(name).segments.values()].find(({ end }) => end > offset),
    reader(name, reader) {
      const row = log(name).readers.get(reader)
      return row === undefined ? { tag: undefined, row: undefined } : { tag: String(row), row }
    },
    readers: (name) => new Map(log(name).readers),
    async swap(name, tag, { head, append, addSegment, addReader, dropBatches = [], dropSegments = [] }) {
      const mine = log(name)
      if ((mine.head === undefined ? undefined : String(mine.writes)) !== tag) return undefined
      mine.head = head
      mine.writes += 1
      if (append !== undefined) mine.batches.set(append.first, append.bytes)
      for (const [producer, seq] of append?.producers ?? []) mine.producers.set(producer, seq)
      if (addSegment !== undefined) mine.segments.set(addSegment.first, addSegment)
      if (addReader !== undefined) mine.readers.set(addReader, head.first)
      for (const first of dropBatches) mine.batches.delete(first)
      for (const first of dropSegments) mine.segments.delete(first)
      tell(mine)
      return String(mine.writes)
    },
    async swapReader(name, reader, tag, position) {
      const mine = log(name)
      const now = mine.readers.get(reader)
      if ((now === undefined ? undefined : String(now)) !== tag) return false
      if (position === undefined) mine.readers.delete(reader)
      else mine.readers.set(reader, position)
      tell(mine)
      return true
    },
    listen(name, fn) {
      const { listeners } = log(name)
      listeners.add(fn)
      return () => void listeners.delete(fn)
    },
  }
}
