import { createMemoryJournalTable, openJournal, type JournalReader, type SegmentArchive } from '@stigmergy/grid/journal'
import { isStoreError, StoreError, type StoreErrorCode } from '@stigmergy/grid/store'
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('ends of journal readers')

async function refused(promise: Promise<unknown>, code: StoreErrorCode): Promise<void> {
  const [result] = await Promise.allSettled([promise])
  assert.ok(result?.status === 'rejected' && isStoreError(result.reason, code), JSON.stringify(result))
}

/** Segments in memory, and a `get` that is told what to do. */
function archiveOf(get: (id: string, bytes: Uint8Array | undefined) => Promise<Uint8Array>): SegmentArchive {
  const kept = new Map<string, Uint8Array>()
  return {
    async put(_, first, bytes) {
      kept.set(`s${first}`, bytes)
      return `s${first}`
    },
    get: (id) => get(id, kept.get(id)),
    async drop(_, __, id) {
      kept.delete(id)
    },
  }
}

test('a reader that waits for an archive hears its signal, and closing', async () => {
  const archive = archiveOf(() => new Promise(() => undefined))
  const journal = openJournal(createMemoryJournalTable(), 'audit', { archive, hotRecords: 0, segmentRecords: 10 })
  for (let seq = 1; seq <= 20; seq++) await journal.append('p', seq, Buffer.from('x'))
  await journal.tidy()
  const [first, second] = [await journal.reader('a'), await journal.reader('b')]
  const over = new AbortController()
  const waiting = first.next({ signal: over.signal }).catch((error: unknown) => error)
  await turn()
  over.abort(new Error('enough'))
  assert.is(((await waiting) as Error).message, 'enough')
  assert.is(first.position, 0)
  const closing = refused(first.next(), 'CLOSED')
  await turn()
  await first.close()
  await closing
  const ending = refused(second.next(), 'CLOSED')
  await turn()
  await journal.close()
  await ending
})

test('a reader that is opened while the journal is closed is told so', async () => {
  const table = createMemoryJournalTable()
  const journal = openJournal(table, 'audit')
  const opening = refused(journal.reader('a'), 'CLOSED')
  await journal.close()
  await opening
})

test('a segment that is dropped while it is read: what it held is told as trimmed', async () => {
  const table = createMemoryJournalTable()
  const drops = openJournal(table, 'audit', {
    archive: archiveOf(async () => Buffer.alloc(0)),
    segmentRecords: 10,
    keepRecords: 20,
    unread: 'drop',
  })
  const archive = archiveOf(async (id) => {
    await drops.tidy()
    throw new StoreError('BLOB_MISSING', `there is no blob ${id}`)
  })
  const journal = openJournal(table, 'audit', { archive, hotRecords: 0, segmentRecords: 10 })
  for (let seq = 1; seq <= 60; seq++) await journal.append('p', seq, Buffer.from('x'))
  await journal.tidy()
  await refused(journal.read(0), 'JOURNAL_TRIMMED')
  await refused(journal.read(45), 'BLOB_MISSING')
  await journal.close()
  await drops.close()
})

test('a journal forgets its closed readers', async () => {
  const journal = openJournal(createMemoryJournalTable(), 'audit')
  await journal.append('p', 1, Buffer.from('x'))
  const known: WeakRef<JournalReader>[] = []
  for (let at = 0; at < 20; at++) {
    const reader = await journal.reader(`r${at % 3}`)
    await reader.next()
    await reader.close()
    known.push(new WeakRef(reader))
  }
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  await turn()
  gc()
  const left = known.filter((reader) => reader.deref() !== undefined).length
  assert.ok(left <= 1, `${left} of ${known.length} closed readers are still held`)
  await journal.close()
})

test.run()
