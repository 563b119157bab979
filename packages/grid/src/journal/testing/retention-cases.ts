import { deepEqual, equal, ok } from 'node:assert/strict'
import { StoreError } from '../../store/errors.ts'
import { bytes, drain, fill, lines, refused, type JournalCase } from './journal-bench.ts'

/** Retention and the archive. */
export const retentionCases: readonly JournalCase[] = [
  {
    name: 'retention drops the oldest, and says so to whoever asks for them',
    async run({ open }) {
      const journal = await open({ keepRecords: 3 })
      await fill(journal, 10)
      await journal.tidy()
      deepEqual(await journal.extent(), { first: 7, cold: 7, end: 10 })
      await refused(journal.read(4), 'JOURNAL_TRIMMED', 'begins at 7: 3 records from 4 on are gone')
      deepEqual(lines(await journal.read(7)), ['7 a 8 a8', '8 a 9 a9', '9 a 10 a10'])
      equal((await journal.reader('late')).position, 7)
      equal(await journal.append('a', 10, bytes('again')), undefined)
    },
  },
  {
    name: 'a batch is dropped whole or not at all',
    async run({ open }) {
      const journal = await open({ keepRecords: 3 })
      await journal.appendAll(
        'a',
        1,
        Array.from({ length: 4 }, (_, at) => bytes(String(at))),
      )
      await fill(journal, 6, 5)
      await journal.tidy()
      deepEqual(await journal.extent(), { first: 0, cold: 0, end: 6 })
      await fill(journal, 7, 7)
      await journal.tidy()
      deepEqual(await journal.extent(), { first: 4, cold: 4, end: 7 })
    },
  },
  {
    name: 'what a named reader has not read is kept, until it is forgotten',
    async run({ open }) {
      const journal = await open({ keepRecords: 0 })
      const reader = await journal.reader('slow')
      await fill(journal, 5)
      await drain(reader, 2)
      await reader.save()
      await journal.tidy()
      equal((await journal.extent()).first, 2)
      await journal.forgetReader('slow')
      await journal.tidy()
      deepEqual([(await journal.extent()).first, journal.stats().droppedUnread], [5, 0])
    },
  },
  {
    name: 'or it is dropped and counted, and the reader is told',
    async run({ open }) {
      const journal = await open({ keepRecords: 1, unread: 'drop' })
      const reader = await journal.reader('slow')
      await fill(journal, 5)
      await journal.tidy()
      equal(journal.stats().droppedUnread, 4)
      await refused(reader.next(), 'JOURNAL_TRIMMED', 'begins at 4: 4 records from 0 on are gone')
      equal((await journal.reader('new')).position, 4)
      await refused(reader.save(5), 'BAD_OPTION', 'position is 5: give an offset up to 4')
      await reader.save(4)
      deepEqual(lines(await reader.next()), ['4 a 5 a5'])
    },
  },
  {
    name: 'a reader that begins while retention drops begins at what is left',
    async run({ open }) {
      const [journal, other] = [await open({ keepRecords: 5 }), await open({ keepRecords: 5 })]
      await fill(journal, 40)
      for (let round = 0; round < 10; round++) {
        await fill(journal, 40 * (round + 2), 40 * (round + 1) + 1)
        const tidied = journal.tidy()
        const late = await other.reader(`late ${round}`)
        await tidied
        const { first } = await journal.extent()
        ok(late.position >= first, `it begins at ${late.position}, the journal at ${first}`)
        equal((await late.next({ limit: 1 })).length, 1)
        await other.forgetReader(late.name)
      }
    },
  },
  {
    name: 'old segments move to the archive and stay readable, in order, over the border',
    async run({ open, archive }) {
      const options = { archive, hotRecords: 4, segmentRecords: 3 }
      const [journal, other] = [await open(options), await open(options)]
      const reader = await other.reader('r')
      await drain(reader, 0)
      await fill(journal, 20)
      await journal.tidy()
      const { first, cold, end } = await journal.extent()
      deepEqual([first, end], [0, 20])
      ok(cold >= 14 && cold <= 16, String(cold))
      const wanted = Array.from({ length: 20 }, (_, at) => `${at} a ${at + 1} a${at + 1}`)
      deepEqual(lines(await drain(reader, 20)), wanted)
      for (const from of [0, 1, 5, cold - 1, cold]) deepEqual(lines(await other.read(from)), wanted.slice(from))
      deepEqual(lines(await other.read(2, { limit: 5 })), wanted.slice(2, 7))
      await refused((await open()).read(0), 'BAD_OPTION', 'open the journal with its archive')
    },
  },
  {
    name: 'retention reaches into the archive',
    async run({ open, archive }) {
      const dropped: number[] = []
      const watched = {
        ...archive,
        async drop(journal: string, first: number, id: string) {
          dropped.push(first)
          await archive.drop(journal, first, id)
        },
      }
      const journal = await open({ archive: watched, hotRecords: 2, segmentRecords: 2, keepRecords: 5 })
      await fill(journal, 12)
      await journal.tidy()
      const { first, end } = await journal.extent()
      ok(first >= 5 && first <= 7 && end === 12, String(first))
      ok(dropped.length > 0 || first > 0)
      deepEqual(lines(await journal.read(first))[0], `${first} a ${first + 1} a${first + 1}`)
    },
  },
  {
    name: 'an archive that fails stops no append, loses nothing and is told',
    async run({ open, archive }) {
      let broken = true
      const failing = {
        ...archive,
        async put(...given: Parameters<typeof archive.put>) {
          if (broken) throw new StoreError('STORE_FULL', 'no room')
          return archive.put(...given)
        },
      }
      const journal = await open({ archive: failing, hotRecords: 2, segmentRecords: 2 })
      await fill(journal, 9)
      await refused(journal.tidy(), 'STORE_FULL')
      const { failedTidies, lastTidyError } = journal.stats()
      ok(failedTidies > 0 && lastTidyError instanceof StoreError)
      deepEqual([(await journal.extent()).cold, (await journal.read(0)).length], [0, 9])
      broken = false
      await journal.tidy()
      ok((await journal.extent()).cold > 0)
      equal((await journal.read(0)).length, 9)
    },
  },
]
