import { archiveInBlobs, createBlobs, createMemoryBytes, createMemoryTags, type Blobs } from '@stigmergy/grid/blobs'
import { createMemoryJournalTable, openJournal, type Journal } from '@stigmergy/grid/journal'
import { isStoreError } from '@stigmergy/grid/store'
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

test('a collection that gives no time, between the put of a segment and its tag: it is put again', async () => {
  const blobs = createBlobs(createMemoryBytes(), createMemoryTags())
  let collections = 0
  const raced: Blobs = {
    ...blobs,
    async put(source, options) {
      const info = await blobs.put(source, options)
      if (collections++ < 2) await blobs.collect({ graceMs: 0 })
      return info
    },
  }
  const archive = archiveInBlobs(raced)
  const id = await archive.put('x', 0, Buffer.from('records'))
  assert.is(Buffer.from(await archive.get(id)).toString(), 'records')
  assert.is(collections, 3)
  // Blobs that never keep anything are told of.
  const [failed] = await Promise.allSettled([
    archiveInBlobs({ ...blobs, put: async () => ({ id: 'f'.repeat(64), size: 1 }) }).put('x', 1, Buffer.from('y')),
  ])
  assert.ok(failed?.status === 'rejected' && isStoreError(failed.reason, 'BLOB_MISSING'))
})

test('two processes cut the same records in two ways at once: what the journal names stays, and nothing else', async () => {
  const table = createMemoryJournalTable()
  const blobs = createBlobs(createMemoryBytes(), createMemoryTags())
  const archive = archiveInBlobs(blobs)
  const writer = openJournal(table, 'x')
  for (let seq = 1; seq <= 100; seq++) await writer.append('p', seq, Buffer.from(`${seq}`))
  // One keeps its bytes first, and has them named only when the other has kept its own.
  const kept = (): { readonly when: Promise<void>; readonly now: () => void } => {
    let now: () => void = () => undefined
    return { when: new Promise<void>((resolve) => (now = resolve)), now }
  }
  const [first, second, named] = [kept(), kept(), kept()]
  const one: typeof archive = {
    ...archive,
    async put(...segment) {
      const id = await archive.put(...segment)
      first.now()
      await second.when
      return id
    },
  }
  const two: typeof archive = {
    ...archive,
    async put(...segment) {
      await first.when
      const id = await archive.put(...segment)
      second.now()
      await named.when
      return id
    },
  }
  const a = openJournal(table, 'x', { archive: one, hotRecords: 40, segmentRecords: 50 })
  const b = openJournal(table, 'x', { archive: two, hotRecords: 0, segmentRecords: 60 })
  const other = b.tidy()
  await a.tidy()
  assert.is((await a.extent()).cold, 50)
  named.now()
  await other
  await blobs.collect({ graceMs: 0 })
  const reader = openJournal(table, 'x', { archive })
  assert.is((await reader.read(0, { limit: 100 })).length, 100)
  // What the loser had kept is gone.
  let count = 0
  for await (const _ of blobs.list()) count += 1
  assert.is(count, 1)
  for (const journal of [a, b, reader, writer]) await journal.close()
})

test('journals of one name in two places that archive in the same blobs take nothing from each other', async () => {
  const blobs = createBlobs(createMemoryBytes(), createMemoryTags())
  const open = (): Journal =>
    openJournal(createMemoryJournalTable(), 'x', { archive: archiveInBlobs(blobs), hotRecords: 2, segmentRecords: 2, keepRecords: 10 })
  const [a, b] = [open(), open()]
  const fill = async (journal: Journal, to: number): Promise<void> => {
    const name = journal === a ? 'a' : 'b'
    for (let seq = (await journal.lastSeq('p')) + 1; seq <= to; seq++) await journal.append('p', seq, Buffer.from(`${name} ${seq}`))
    await journal.tidy()
  }
  await fill(a, 8)
  await fill(b, 8)
  await blobs.collect({ graceMs: 0 })
  // What one of them drops the other keeps.
  await fill(b, 30)
  await blobs.collect({ graceMs: 0 })
  assert.equal(
    (await a.read(0)).map(({ value }) => Buffer.from(value).toString()),
    Array.from({ length: 8 }, (_, at) => `a ${at + 1}`),
  )
  assert.is((await b.read((await b.extent()).first)).at(-1)?.seq, 30)
  await a.close()
  await b.close()
})

test.run()
