import { StoreError } from '../store/errors.ts'
import { badOption, checkCount, checkNames } from '../store/rules.ts'
import type { JournalReader, JournalRecord, NextOptions } from './journal.ts'
import type { ReadRecords } from './read-records.ts'
import type { JournalTable } from './table.ts'
import { createWaits } from './waits.ts'
import type { Clock } from '../time/clock.ts'
import { createClosing } from '../time/closing.ts'

export interface ReaderParts {
  readonly table: JournalTable
  readonly journal: string
  readonly name: string
  readonly read: ReadRecords
  readonly clock: Clock
  /** Aborts when the journal is closed. */
  readonly closing: AbortSignal
  /** Told when the reader is closed. */
  readonly closed: () => void
}

/** Finds the reader's row, or begins it at the oldest record. */
export async function openReader({ table, journal, name, read, clock, closing, closed }: ReaderParts): Promise<JournalReader> {
  let position = await begin()
  if (closing.aborted) throw gone()
  const over = createClosing()
  const end = (): void => over.abort()
  closing.addEventListener('abort', end)
  const waits = createWaits((fn) => table.listen(journal, fn), clock, over.signal, `reader ${name} of journal ${journal}`)
  // Two calls of next() at a time would hand out the same records twice.
  let turn: Promise<unknown> = Promise.resolve()

  async function begin(): Promise<number> {
    for (;;) {
      // The head first: a reader of this name that begins after this look gives it another tag.
      const { tag, row: head = { first: 0, cold: 0, end: 0 } } = table.head(journal)
      const { row } = table.reader(journal, name)
      if (row !== undefined) return row
      if ((await table.swap(journal, tag, { head, addReader: name })) !== undefined) return head.first
    }
  }

  async function fetch(options: NextOptions): Promise<readonly JournalRecord[]> {
    checkNames('next', options, ['limit', 'signal'])
    const { limit = 256, signal } = options
    checkCount('limit', limit, 1)
    await waits.until(() => (table.head(journal).row?.end ?? 0) > position || undefined, { signal })
    // An archive may give no answer.
    return unlessEnded(read(position, limit), signal)
  }

  function unlessEnded<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const give = (): void => reject(signal?.aborted === true ? signal.reason : gone())
      const ends = [over.signal, ...(signal === undefined ? [] : [signal])]
      for (const each of ends) {
        each.addEventListener('abort', give)
        if (each.aborted) give()
      }
      work.then(resolve, reject).finally(() => {
        for (const each of ends) each.removeEventListener('abort', give)
      })
    })
  }

  function inTurn<T>(job: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const before = turn
    const mine = heard(before, signal).then(job)
    const done = mine.catch(() => undefined)
    // Who gave up did not take its turn: the next one waits for the one before.
    turn = before.then(() => done)
    return mine
  }

  const reader: JournalReader = {
    name,
    get position() {
      return position
    },
    next: (options = {}) =>
      inTurn(async () => {
        const records = await fetch(options)
        position = Math.max(position, (records.at(-1)?.offset ?? -1) + 1)
        return records
      }, options.signal),
    async save(to = position) {
      if (over.signal.aborted) throw gone()
      // What retention has dropped cannot be handed out any more: a reader may go on behind it.
      const most = Math.max(position, table.head(journal).row?.first ?? 0)
      if (!Number.isSafeInteger(to) || to < 0 || to > most) {
        throw badOption('position', to, `an offset up to ${most}, which was handed out or is the oldest there is`)
      }
      position = Math.max(position, to)
      for (;;) {
        const { tag, row } = table.reader(journal, name)
        if (row === undefined)
          throw new StoreError('BAD_ID', `reader ${JSON.stringify(name)} of journal ${journal} was forgotten meanwhile`)
        if (row >= to || (await table.swapReader(journal, name, tag, to))) return
      }
    },
    lag() {
      if (over.signal.aborted) throw gone()
      return Math.max(0, (table.head(journal).row?.end ?? 0) - position)
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        let records: readonly JournalRecord[]
        try {
          records = await inTurn(() => fetch({}))
        } catch (error) {
          if (over.signal.aborted) return
          throw error
        }
        for (const record of records) {
          // Closed, or moved on by a next() in between.
          if (over.signal.aborted || record.offset !== position) break
          position += 1
          yield record
        }
      }
    },
    async close() {
      closing.removeEventListener('abort', end)
      end()
      closed()
      await turn
    },
    [Symbol.asyncDispose]: () => reader.close(),
  }

  function gone(): StoreError {
    return new StoreError('CLOSED', `reader ${name} of journal ${journal} is closed`)
  }

  return reader
}

/** Until the turn before is over, or the signal's reason. */
function heard(before: Promise<unknown>, signal: AbortSignal | undefined): Promise<unknown> {
  if (signal === undefined) return before
  return new Promise<void>((resolve, reject) => {
    const abort = (): void => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    void before.then(() => {
      signal.removeEventListener('abort', abort)
      resolve()
    })
  })
}
