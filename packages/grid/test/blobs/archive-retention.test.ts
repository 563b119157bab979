import { archiveInBlobs, createBlobs, createMemoryBytes, createMemoryTags } from '@stigmergy/grid/blobs'
import { createMemoryJournalTable, openJournal, type Journal } from '@stigmergy/grid/journal'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('retention of archived journals')

async function append(journal: Journal, from: number, to: number): Promise<void> {
  for (let seq = from; seq <= to; seq++) await journal.append('p', seq, Buffer.from(String(seq)))
  // The first one may have begun before the last records were there.
  for (let tidied = 0; tidied < 2; tidied++) await journal.tidy().catch(() => undefined)
}

test('segments dropped while the archive is out of reach go once it is back', async () => {
  const table = createMemoryJournalTable()
  const blobs = createBlobs(createMemoryBytes(), createMemoryTags())
  const archive = archiveInBlobs(blobs)
  let down = false
  const drop: typeof archive.drop = async (...segment) => {
    if (down) throw new Error('the bucket is out of reach')
    await archive.drop(...segment)
  }
  const journal = openJournal(table, 'x', { archive: { ...archive, drop }, hotRecords: 10, segmentRecords: 10, keepRecords: 50 })
  await append(journal, 1, 100)
  down = true
  await append(journal, 101, 200)
  assert.match(String(journal.stats().lastTidyError), /out of reach/)
  const { first } = await journal.extent()
  assert.ok(first > 100, 'retention goes on')
  assert.is((await journal.read(first, { limit: 1 }))[0]?.offset, first)
  assert.ok((await blobs.tags()).length > 5)
  down = false
  await journal.tidy()
  const { cold } = await journal.extent()
  assert.is((await blobs.tags()).length, (cold - first) / 10)
  assert.is(table.segment('x', 0)?.first, first)
  assert.is((await blobs.collect({ graceMs: 0 })).kept, (cold - first) / 10)
  for (const at of [first, cold - 1, cold]) assert.is((await journal.read(at, { limit: 1 }))[0]?.offset, at)
  await journal.close()
})

test('what a process without the archive has dropped goes with one that has it', async () => {
  const table = createMemoryJournalTable()
  const blobs = createBlobs(createMemoryBytes(), createMemoryTags())
  const archive = archiveInBlobs(blobs)
  const archiving = openJournal(table, 'x', { archive, hotRecords: 10, segmentRecords: 10 })
  await append(archiving, 1, 100)
  assert.is((await blobs.tags()).length, 9)
  const without = openJournal(table, 'x', { keepRecords: 35 })
  await without.tidy()
  assert.is((await without.extent()).first, 60)
  assert.is((await blobs.tags()).length, 9)
  await archiving.tidy()
  assert.equal(
    (await blobs.tags()).map(({ version }) => Number.parseInt(version, 10)),
    [60, 70, 80],
  )
  await Promise.all([archiving.close(), without.close()])
})

test.run()
