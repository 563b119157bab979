import { deepEqual, equal, ok } from 'node:assert/strict'
import { bytes, fill, lines, refused, type JournalCase } from './journal-bench.ts'

/** Appending and reading by offset. */
export const appendCases: readonly JournalCase[] = [
  {
    name: 'offsets count over all producers, and what is read is a copy',
    async run({ open }) {
      const journal = await open()
      deepEqual([await journal.extent(), await journal.read(0)], [{ first: 0, cold: 0, end: 0 }, []])
      const given = bytes('one')
      const first = journal.append('a', 1, given)
      given.fill(0)
      equal(await first, 0)
      deepEqual(await Promise.all([journal.append('b', 1, bytes('two')), journal.append('a', 2, bytes('three'))]), [1, 2])
      const records = await journal.read(0)
      deepEqual(lines(records), ['0 a 1 one', '1 b 1 two', '2 a 2 three'])
      ok(Math.abs((records[0]?.wallMs ?? 0) - (await open().then(async (other) => (await other.read(0))[0]?.wallMs ?? 0))) < 1)
      records[0]?.value.fill(7)
      deepEqual(lines(await journal.read(0, { limit: 2 })), ['0 a 1 one', '1 b 1 two'])
      deepEqual(lines(await journal.read(2)), ['2 a 2 three'])
      deepEqual(await journal.extent(), { first: 0, cold: 0, end: 3 })
    },
  },
  {
    name: 'an append that is repeated is written once',
    async run({ open }) {
      const [one, two] = [await open(), await open()]
      deepEqual(await Promise.all([one.append('a', 1, bytes('x')), one.append('a', 1, bytes('x'))]), [0, undefined])
      equal(await two.append('a', 1, bytes('x')), undefined)
      equal(await two.append('a', 2, bytes('y')), 1)
      deepEqual(await one.appendAll('a', 1, [bytes('x'), bytes('y'), bytes('z')]), [undefined, undefined, 2])
      deepEqual(lines(await two.read(0)), ['0 a 1 x', '1 a 2 y', '2 a 3 z'])
      deepEqual([one.stats().appended, one.stats().duplicates, await two.lastSeq('a'), await two.lastSeq('b')], [2, 3, 3, 0])
    },
  },
  {
    name: 'a number left out is refused, with all that follows it, and others are not disturbed',
    async run({ open }) {
      const journal = await open()
      const late = journal.append('a', 2, bytes('2'))
      const later = journal.appendAll('a', 3, [bytes('3'), bytes('4')])
      const other = journal.append('b', 1, bytes('b'))
      await refused(late, 'JOURNAL_GAP', 'producer "a" appends number 2 after 0: 1 is missing')
      await refused(later, 'JOURNAL_GAP', '1 is missing')
      equal(await other, 0)
      await fill(journal, 3)
      deepEqual(lines(await journal.read(0)), ['0 b 1 b', '1 a 1 a1', '2 a 2 a2', '3 a 3 a3'])
    },
  },
  {
    name: 'two that append at the same time leave no hole and keep the order of each',
    async run({ open }) {
      const journals = [await open(), await open()]
      await Promise.all(
        journals.map((journal, at) => Promise.all(Array.from({ length: 50 }, (_, i) => fill(journal, i + 1, i + 1, `p${at}`)))),
      )
      const records = await (await open()).read(0, { limit: 200 })
      deepEqual(
        records.map(({ offset }) => offset),
        Array.from({ length: 100 }, (_, at) => at),
      )
      for (const producer of ['p0', 'p1']) {
        const seqs = records.filter((record) => record.producer === producer).map(({ seq }) => seq)
        deepEqual(
          seqs,
          Array.from({ length: 50 }, (_, at) => at + 1),
        )
      }
    },
  },
  {
    name: 'journals of other names are apart, also where one name begins another',
    async run({ open }) {
      const [one, two] = [await open({}, 'plan'), await open({}, 'plans')]
      await fill(two, 3)
      await fill(one, 1)
      deepEqual([(await one.read(0)).length, (await two.read(0)).length, await one.lastSeq('a')], [1, 3, 1])
    },
  },
  {
    name: 'too many appends that wait are refused, and nothing of them is written',
    async run({ open }) {
      const journal = await open({ maxPending: 3 })
      const taken = [1, 2, 3].map((seq) => journal.append('a', seq, bytes('x')))
      const tooMany = journal.append('a', 4, bytes('x'))
      equal(journal.stats().pending, 3)
      await refused(tooMany, 'STORE_BUSY', '3 records (3 bytes) wait')
      deepEqual([await Promise.all(taken), journal.stats().pending], [[0, 1, 2], 0])
      equal(await journal.append('a', 4, bytes('x')), 3)
    },
  },
  {
    name: 'what cannot be is refused with the value in the message',
    async run({ open }) {
      const journal = await open()
      await refused(journal.append('', 1, bytes('x')), 'BAD_ID', 'producer is ')
      await refused(journal.append('a', 0, bytes('x')), 'BAD_OPTION', 'seq is 0')
      await refused(journal.append('a', 1, 'x' as never), 'BAD_OPTION', 'value is "x"')
      await refused(journal.append('a', 1, new Uint8Array(17 * 1024 * 1024)), 'BAD_OPTION', 'as a blob')
      await refused(journal.read(-1), 'BAD_OPTION', 'from is -1')
      await refused(journal.read(0, { limit: 0 }), 'BAD_OPTION', 'limit is 0')
      await refused(journal.reader('a\0b'), 'BAD_ID', 'reader is ')
      await refused(open({ keep: 3 } as never), 'BAD_OPTION', 'no option "keep"')
      await refused(open({ keepRecords: -1 }), 'BAD_OPTION', 'keepRecords is -1')
      await refused(open({ unread: 'forget' as never }), 'BAD_OPTION', 'unread is "forget"')
      await refused(open({ hotRecords: 5 }), 'BAD_OPTION', 'hotRecords is 5: give an archive as well')
      await refused(open({}, ''), 'BAD_ID', 'name is ""')
      deepEqual(await journal.appendAll('a', 1, []), [])
      await journal.close()
      await refused(journal.append('a', 1, bytes('x')), 'CLOSED')
    },
  },
]
