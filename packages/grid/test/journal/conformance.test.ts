import { openDurable } from '@stigmergy/grid/durable'
import { createMemoryJournalTable, openJournal, type Journal, type SegmentArchive } from '@stigmergy/grid/journal'
import { journalCases } from '@stigmergy/grid/journal/testing'
import { suite } from 'uvu'
import { newPlace } from '../durable/places.ts'

const test = suite('conformance of journals')

function memoryArchive(): SegmentArchive {
  const kept = new Map<string, Uint8Array>()
  return {
    async put(journal, first, bytes) {
      kept.set(`${journal} ${first}`, Uint8Array.from(bytes))
      return `${journal} ${first}`
    },
    get: async (id) => kept.get(id) as Uint8Array,
    async drop(journal, first) {
      kept.delete(`${journal} ${first}`)
    },
  }
}

for (const { name, run } of journalCases) {
  test(`memory: ${name}`, async () => {
    const table = createMemoryJournalTable()
    const opened: Journal[] = []
    const open = async (options = {}, journal = 'audit'): Promise<Journal> => {
      opened.push(openJournal(table, journal, options))
      return opened.at(-1) as Journal
    }
    await run({ open, archive: memoryArchive() })
    await Promise.all(opened.map((journal) => journal.close()))
  })

  for (const level of ['process', 'host'] as const) {
    test(`lmdb, ${level}: ${name}`, async () => {
      const place = await newPlace()
      const closing: (() => Promise<void>)[] = []
      const open = async (options = {}, journalName = 'audit'): Promise<Journal> => {
        const durable = await openDurable({ path: place.path, level })
        closing.push(() => durable.close())
        const journal = durable.journal(journalName, options)
        closing.push(() => journal.close())
        return journal
      }
      try {
        await run({ open, archive: memoryArchive() })
      } finally {
        while (closing.length > 0) await closing.pop()?.()
        await place.done()
      }
    })
  }
}

test.run()
