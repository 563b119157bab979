import { packBatch, readBatch } from '../journal/segment.ts'
import type { JournalHead, JournalSegment, JournalTable } from '../journal/table.ts'
import { createBell } from './bell.ts'
import { quietly, type Environment } from './environment.ts'
import { guardedRange } from './guarded.ts'

const HEAD = 'h'
const PRODUCER = 'p'
const READER = 'r'
const SEGMENT = 's'

/**
 * Journals in an lmdb environment. Batches stand under `[journal, first offset]` in a table of their own. In the other one stand, each
 * kind together: heads (`end`, `first`, `cold`), last numbers of producers, positions of readers, segments.
 * Every append writes the head, so to expect its version is to expect all the rest.
 */
export function createLmdbJournalTable(environment: Environment): JournalTable {
  const { rows, options } = environment
  const table = environment.table('journals', true)
  const batches = environment.table('batches', false)
  const bell = createBell(options.clock, options.path)

  const read = (
    kind: string,
    journal: string,
    rest: Buffer,
    what: string,
  ): { readonly version: number; readonly row: readonly unknown[] | undefined } => {
    environment.check()
    const { version, fields } = environment.read(table, keyOf(kind, journal, rest), `${what} of journal ${journal}`)
    return { version, row: fields }
  }

  /** Of the entries with numbered keys: the last one up to the offset, then the first one from it on. */
  function* around(from: typeof table, prefix: Buffer, offset: number): Generator<{ readonly key: Buffer; readonly value: Buffer }> {
    environment.check()
    const at = Buffer.concat([prefix, numberKey(offset)])
    yield* guardedRange(environment, () => from.getRange({ start: at, end: prefix, reverse: true, limit: 1 }))
    yield* guardedRange(environment, () => from.getRange({ start: at, end: Buffer.concat([prefix, LAST]), limit: 1 }))
  }

  function* under(kind: string, journal: string): Generator<readonly [rest: Buffer, fields: readonly unknown[]]> {
    environment.check()
    environment.refresh()
    const prefix = keyOf(kind, journal)
    const range = { start: prefix, end: Buffer.concat([prefix, LAST]) }
    for (const { key, value } of guardedRange(environment, () => table.getRange(range))) {
      yield [key.subarray(prefix.length), rows.read(value, `a row of journal ${journal}`, key)]
    }
  }

  const headOf = (journal: string): { readonly version: number; readonly row: JournalHead | undefined } => {
    const { version, row } = read(HEAD, journal, NOTHING, 'the head')
    if (row === undefined) return { version, row }
    const [first, cold, end] = row as [number, number, number]
    return { version, row: { first, cold, end } }
  }

  const put = (key: Buffer, fields: readonly unknown[], version: number): void => quietly(table.put(key, rows.pack(fields, key), version))

  return {
    level: options.level,
    head(journal) {
      const { version, row } = headOf(journal)
      return { tag: version === 0 ? undefined : String(version), row }
    },
    lastSeq: (journal, producer) =>
      (read(PRODUCER, journal, Buffer.from(producer), `producer ${producer}`).row?.[0] as number | undefined) ?? 0,
    batch(journal, offset) {
      const prefix = prefixOf(journal)
      for (const { key, value } of around(batches, prefix, offset)) {
        const batch = readBatch(rows, value, journal, Number(key.readBigUInt64BE(prefix.length)), key)
        if (batch.first + batch.items.length > offset) return batch
      }
      return undefined
    },
    pack: (wallMs, items) => packBatch(rows, wallMs, items),
    segment(journal, offset) {
      for (const { key, value } of around(table, keyOf(SEGMENT, journal), offset)) {
        const segment = toSegment(rows.read(value, `a segment of journal ${journal}`, key))
        if (segment.end > offset) return segment
      }
      return undefined
    },
    reader(journal, name) {
      const { version, row } = read(READER, journal, Buffer.from(name), `reader ${name}`)
      return { tag: version === 0 ? undefined : String(version), row: row?.[0] as number | undefined }
    },
    readers: (journal) => new Map(Array.from(under(READER, journal), ([rest, [position]]) => [rest.toString(), position as number])),
    async swap(journal, tag, { head, append, addSegment, addReader, dropBatches = [], dropSegments = [] }) {
      environment.check()
      const version = Number(tag ?? 0)
      const key = keyOf(HEAD, journal)
      const prefix = prefixOf(journal)
      const swapped = await environment.swap(table, [{ key, version }], () => {
        put(key, [head.first, head.cold, head.end], version + 1)
        if (append !== undefined) {
          const at = Buffer.concat([prefix, numberKey(append.first)])
          quietly(batches.put(at, rows.under(append.bytes, at)))
        }
        for (const [producer, seq] of append?.producers ?? []) put(keyOf(PRODUCER, journal, Buffer.from(producer)), [seq], 1)
        if (addSegment !== undefined) {
          const { first, end, id, bytes } = addSegment
          put(keyOf(SEGMENT, journal, numberKey(first)), [first, end, id, bytes], 1)
        }
        if (addReader !== undefined) put(keyOf(READER, journal, Buffer.from(addReader)), [head.first], 1)
        for (const first of dropBatches) quietly(batches.remove(Buffer.concat([prefix, numberKey(first)])))
        for (const first of dropSegments) quietly(table.remove(keyOf(SEGMENT, journal, numberKey(first))))
      })
      if (!swapped) return undefined
      bell.ring(journal)
      return String(version + 1)
    },
    async swapReader(journal, name, tag, position) {
      environment.check()
      const version = Number(tag ?? 0)
      const key = keyOf(READER, journal, Buffer.from(name))
      const swapped = await environment.swap(table, [{ key, version }], () =>
        position === undefined ? quietly(table.remove(key)) : put(key, [position], version + 1),
      )
      if (swapped) bell.ring(journal)
      return swapped
    },
    listen: bell.listen,
  }
}

const NOTHING = Buffer.alloc(0)
/** After every number. */
const LAST = Buffer.alloc(9, 0xff)

/** `kind journal NUL rest`: no name holds NUL, so what belongs together stands together. */
function keyOf(kind: string, journal: string, rest: Buffer = NOTHING): Buffer {
  return Buffer.concat([Buffer.from(kind), prefixOf(journal), rest])
}

function prefixOf(journal: string): Buffer {
  return Buffer.from(`${journal}\0`)
}

function numberKey(offset: number): Buffer {
  const key = Buffer.alloc(8)
  key.writeBigUInt64BE(BigInt(offset))
  return key
}

function toSegment(fields: readonly unknown[]): JournalSegment {
  const [first, end, id, bytes] = fields as [number, number, string, number]
  return { first, end, id, bytes }
}
