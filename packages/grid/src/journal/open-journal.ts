import { StoreError } from '../store/errors.ts'
import { badOption, checkCount, checkId, checkMs, checkNames } from '../store/rules.ts'
import { withDeadline } from '../store/deadline.ts'
import { createClosing } from '../time/closing.ts'
import { createAppendQueue } from './append-queue.ts'
import type { Journal, JournalReader } from './journal.ts'
import { resolveJournalOptions, type JournalOptions } from './options.ts'
import type { AppendUnit } from './plan-append.ts'
import { createReadRecords } from './read-records.ts'
import { openReader } from './reader.ts'
import type { JournalTable } from './table.ts'
import { createTidier } from './tidy.ts'
import { createWaits } from './waits.ts'

const LARGEST_APPEND = 16 * 1024 * 1024
/** How long `close` waits for an archive that is at work on a segment. */
const CLOSE_MS = 10_000

/** The one implementation of journals, over any table. Throws `StoreError` BAD_ID or BAD_OPTION. */
export function openJournal(table: JournalTable, name: string, options: JournalOptions = {}): Journal {
  checkId(name, 'name')
  const resolved = resolveJournalOptions(options)
  const { clock, archive, segmentRecords, keepRecords } = resolved
  const closing = createClosing()
  const waits = createWaits((fn) => table.listen(name, fn), clock, closing.signal, `journal ${name}`)
  const read = createReadRecords(table, name, archive)
  const tidier = createTidier(table, name, resolved)
  const queue = createAppendQueue(table, name, resolved, tidyWhenDue)
  const readers = new Set<JournalReader>()
  let tidying: Promise<void> | undefined
  let tidiedAt = 0
  let failedTidies = 0
  let lastTidyError: unknown
  let checkedProducer: string | undefined

  function tidyWhenDue(end: number): void {
    if (archive === undefined && keepRecords === Infinity) return
    if (tidying !== undefined || closing.signal.aborted || end - tidiedAt < segmentRecords) return
    tidiedAt = end
    // An append must not fail because of it; the next one tries again.
    tidy().catch((error: unknown) => {
      failedTidies += 1
      lastTidyError = error
    })
  }

  function tidy(): Promise<void> {
    tidying ??= tidier.run(closing.signal).finally(() => (tidying = undefined))
    return tidying
  }

  function open(): void {
    if (closing.signal.aborted) throw new StoreError('CLOSED', `journal ${name} is closed`)
  }

  function lagOf(reader: string): number {
    const position = table.reader(name, checkId(reader, 'reader')).row
    if (position === undefined) throw new StoreError('BAD_ID', `journal ${name} has no reader ${JSON.stringify(reader)}`)
    return Math.max(0, (table.head(name).row?.end ?? 0) - position)
  }

  function checkUnit(producer: string, seq: number, values: readonly Uint8Array[]): AppendUnit {
    if (producer !== checkedProducer) checkedProducer = checkId(producer, 'producer')
    checkCount('seq', seq, 1)
    const copies = values.map(copyValue)
    let bytes = 0
    for (const { length } of copies) bytes += length
    if (bytes > LARGEST_APPEND) throw badOption('value', `${bytes} bytes`, `at most ${LARGEST_APPEND} bytes, and what is larger as a blob`)
    return { producer, seq, values: copies }
  }

  const journal: Journal = {
    name,
    level: table.level,
    append(producer, seq, value) {
      // Not an async function: this is the hot path, and one promise is enough.
      try {
        open()
        return queue.add(checkUnit(producer, seq, [value]), first)
      } catch (error) {
        return Promise.reject(error)
      }
    },
    async appendAll(producer, seq, values) {
      open()
      const unit = checkUnit(producer, seq, values)
      return values.length === 0 ? [] : queue.add(unit, (offsets) => offsets)
    },
    async lastSeq(producer) {
      open()
      return table.lastSeq(name, checkId(producer, 'producer'))
    },
    async read(from, given = {}) {
      open()
      checkNames('read', given, ['limit'])
      return read(checkCount('from', from, 0), checkCount('limit', given.limit ?? 256, 1))
    },
    async reader(readerName) {
      open()
      checkId(readerName, 'reader')
      const closed = (): void => void readers.delete(reader)
      const reader = await openReader({ table, journal: name, name: readerName, read, clock, closing: closing.signal, closed })
      readers.add(reader)
      return reader
    },
    async lag(reader) {
      open()
      return lagOf(reader)
    },
    async pauseWhenLag(reader, limit, given = {}) {
      open()
      checkNames('pauseWhenLag', given, ['signal', 'timeoutMs'])
      const { signal, timeoutMs = 30_000 } = given
      checkCount('limit', limit, 0)
      checkMs('timeoutMs', timeoutMs)
      const late = (): StoreError =>
        new StoreError(
          'JOURNAL_LAGGING',
          `reader ${JSON.stringify(reader)} of journal ${name} is ${lagOf(reader)} behind after ${timeoutMs} ms`,
        )
      await waits.until(() => lagOf(reader) <= limit || undefined, { signal, timeoutMs, late })
    },
    async forgetReader(reader) {
      open()
      for (;;) {
        const { tag, row } = table.reader(name, checkId(reader, 'reader'))
        if (row === undefined || (await table.swapReader(name, reader, tag, undefined))) return
      }
    },
    async extent() {
      open()
      return { ...(table.head(name).row ?? { first: 0, cold: 0, end: 0 }) }
    },
    async tidy() {
      open()
      await tidying
      await tidy()
      open()
    },
    stats() {
      const { pending, appended, duplicates } = queue
      return { pending, appended, duplicates, droppedUnread: tidier.droppedUnread, failedTidies, lastTidyError }
    },
    async close() {
      closing.abort()
      await queue.idle()
      await Promise.all(Array.from(readers, (reader) => reader.close()))
      // One segment at the most; the rest is moved another time.
      const tidied = tidying?.catch(() => undefined)
      if (tidied !== undefined) await withDeadline(tidied, clock, CLOSE_MS, `the archive of journal ${name}`)
    },
    [Symbol.asyncDispose]: () => journal.close(),
  }
  return journal
}

function first(offsets: readonly (number | undefined)[]): number | undefined {
  return offsets[0]
}

/** Copies, so that the caller may use its buffers again at once. */
function copyValue(value: Uint8Array): Uint8Array {
  if (value instanceof Uint8Array) return new Uint8Array(value)
  throw badOption('value', value, 'a Uint8Array')
}
