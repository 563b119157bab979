import { archiveInBlobs, createBlobs, createMemoryBytes, createMemoryTags } from '@stigmergy/grid/blobs'
import { createMemoryJournalTable, openJournal } from '@stigmergy/grid/journal'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('journals archived in blobs')

test('every legal name of a journal has its archive; those that fit keep their names', async () => {
  const table = createMemoryJournalTable()
  const blobs = createBlobs(createMemoryBytes(), createMemoryTags())
  const names = ['audit', 'a/b c', 'x'.repeat(400), `${'x'.repeat(399)}y`, '水'.repeat(133), `${'水'.repeat(132)}火`]
  for (const name of names) {
    const journal = openJournal(table, name, { archive: archiveInBlobs(blobs), hotRecords: 2, segmentRecords: 2 })
    for (let seq = 1; seq <= 8; seq++) await journal.append('a', seq, Buffer.from(`${name} ${seq}`))
    await journal.tidy()
    assert.ok((await journal.extent()).cold > 0, name)
    assert.is(Buffer.from((await journal.read(0, { limit: 1 }))[0]?.value ?? []).toString(), `${name} 1`)
    await journal.close()
  }
  const tags = new Set((await blobs.tags()).map(({ name }) => name))
  assert.is(tags.size, names.length)
  assert.ok(tags.has('journal/audit') && tags.has('journal/a%2Fb%20c'))
})

test.run()
