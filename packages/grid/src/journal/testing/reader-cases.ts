import { deepEqual, equal, rejects } from 'node:assert/strict'
import { bytes, drain, fill, lines, refused, type JournalCase } from './journal-bench.ts'

/** Readers: positions, the live tail, lag. */
export const readerCases: readonly JournalCase[] = [
  {
    name: 'a reader goes on where the last one of its name has saved',
    async run({ open }) {
      const [journal, other] = [await open(), await open()]
      await fill(journal, 5)
      const reader = await journal.reader('r')
      equal((await reader.next({ limit: 2 })).length, 2)
      await reader.save()
      deepEqual(lines(await reader.next({ limit: 2 })), ['2 a 3 a3', '3 a 4 a4'])
      await reader.close()
      const again = await other.reader('r')
      deepEqual([again.position, lines(await again.next())], [2, ['2 a 3 a3', '3 a 4 a4', '4 a 5 a5']])
      await refused(again.save(6), 'BAD_OPTION', 'position is 6: give an offset up to 5')
      await again.save(3)
      await again.save(1)
      equal((await journal.reader('r')).position, 3)
      equal((await journal.reader('s')).position, 0)
    },
  },
  {
    name: 'new records are pushed to a reader that waits, also those another process appends',
    async run({ open }) {
      const [journal, other] = [await open(), await open()]
      const reader = await journal.reader('r')
      for (const [at, from] of [journal, other, journal].entries()) {
        const next = reader.next()
        await fill(from, at + 1, at + 1)
        deepEqual(lines(await next), [`${at} a ${at + 1} a${at + 1}`])
      }
    },
  },
  {
    name: 'who waits for the turn of another is told to stop as well',
    async run({ open }) {
      const journal = await open()
      const reader = await journal.reader('r')
      const first = reader.next()
      const abort = new AbortController()
      const second = rejects(reader.next({ signal: abort.signal }), { name: 'AbortError' })
      const third = reader.next()
      abort.abort()
      await second
      await rejects(reader.next({ signal: AbortSignal.abort() }), { name: 'AbortError' })
      await fill(journal, 1)
      deepEqual(lines(await first), ['0 a 1 a1'])
      await fill(journal, 2, 2)
      deepEqual(lines(await third), ['1 a 2 a2'])
    },
  },
  {
    name: 'iterating tells each record once, in order, and what was not told is not saved',
    async run({ open }) {
      const journal = await open()
      await fill(journal, 4)
      const reader = await journal.reader('r')
      const seen: number[] = []
      for await (const { offset } of reader) {
        seen.push(offset)
        if (offset === 1) await reader.save()
        if (offset === 2) break
      }
      deepEqual([seen, reader.position, reader.lag(), await journal.lag('r')], [[0, 1, 2], 3, 1, 2])
      const ended = (async () => {
        for await (const { offset } of reader) seen.push(offset)
      })()
      await fill(journal, 5, 5)
      while (reader.position < 5) await Promise.resolve()
      await journal.close()
      await ended
      deepEqual(seen, [0, 1, 2, 3, 4])
    },
  },
  {
    name: 'two calls of next at a time do not hand out the same records',
    async run({ open }) {
      const journal = await open()
      await fill(journal, 4)
      const reader = await journal.reader('r')
      const both = await Promise.all([reader.next({ limit: 2 }), reader.next({ limit: 2 })])
      deepEqual(lines(both.flat()), ['0 a 1 a1', '1 a 2 a2', '2 a 3 a3', '3 a 4 a4'])
    },
  },
  {
    name: 'a wait ends by its signal, by the reader closing and by the journal closing',
    async run({ open }) {
      const journal = await open()
      const reader = await journal.reader('r')
      const abort = new AbortController()
      const waiting = reader.next({ signal: abort.signal })
      abort.abort(new Error('enough'))
      await rejects(waiting, /enough/)
      await rejects(reader.next({ signal: AbortSignal.abort(new Error('before')) }), /before/)
      const closed = refused(reader.next(), 'CLOSED', 'reader r of journal')
      await reader.close()
      await closed
      await refused(reader.save(), 'CLOSED')
      const second = await journal.reader('r')
      const ended = refused(second.next(), 'CLOSED')
      await journal.close()
      await ended
    },
  },
  {
    name: 'a producer that waits for the lag goes on when the reader has saved',
    async run({ open }) {
      const [journal, other] = [await open(), await open()]
      await refused(journal.pauseWhenLag('r', 3), 'BAD_ID', 'has no reader "r"')
      const reader = await other.reader('r')
      await fill(journal, 5)
      deepEqual([await journal.lag('r'), reader.lag()], [5, 5])
      await journal.pauseWhenLag('r', 5)
      let paused = true
      const wait = journal.pauseWhenLag('r', 3).then(() => (paused = false))
      await reader.next({ limit: 1 })
      await reader.save()
      equal(await journal.lag('r'), 4)
      equal(paused, true)
      await reader.next({ limit: 1 })
      await reader.save()
      await wait
      const abort = new AbortController()
      const stopped = journal.pauseWhenLag('r', 0, { signal: abort.signal })
      abort.abort(new Error('stop'))
      await rejects(stopped, /stop/)
      await refused(journal.pauseWhenLag('r', 0, { timeoutMs: 5 }), 'JOURNAL_LAGGING', 'reader "r" of journal')
    },
  },
  {
    name: 'a step holds at most some megabytes, and at least one record, however many are asked for',
    async run({ open }) {
      const journal = await open()
      const MB = 1024 * 1024
      for (let seq = 1; seq <= 6; seq++) await journal.append('a', seq, new Uint8Array((seq === 6 ? 5 : 1.5) * MB))
      const reader = await journal.reader('r')
      const steps: (readonly number[])[] = []
      while (reader.position < 6) steps.push((await reader.next()).map(({ offset }) => offset))
      deepEqual(steps, [
        [0, 1, 2],
        [3, 4, 5],
      ])
      deepEqual(
        (await journal.read(5)).map(({ value }) => value.length),
        [5 * MB],
      )
    },
  },
  {
    name: 'a forgotten reader begins anew',
    async run({ open }) {
      const journal = await open()
      await fill(journal, 3)
      const reader = await journal.reader('r')
      await drain(reader, 3)
      await reader.save()
      await journal.forgetReader('r')
      await journal.forgetReader('r')
      await refused(journal.lag('r'), 'BAD_ID')
      await refused(reader.save(), 'BAD_ID', 'was forgotten meanwhile')
      equal((await journal.reader('r')).position, 0)
      await journal.append('b', 1, bytes('b'))
    },
  },
]
