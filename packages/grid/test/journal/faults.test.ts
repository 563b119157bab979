import { openDurable, openDurableReader } from '@stigmergy/grid/durable'
import { createVirtualClock } from '@stigmergy/grid'
import { createMemoryJournalTable, openJournal, type Journal, type SegmentArchive } from '@stigmergy/grid/journal'
import { isStoreError, type StoreErrorCode } from '@stigmergy/grid/store'
import { execFile } from 'node:child_process'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openEnvironment } from '../../src/durable/environment.ts'
import { resolveDurableOptions } from '../../src/durable/options.ts'
import { packSegment, readSegment } from '../../src/journal/segment.ts'
import { createRowCodec } from '../../src/store/row.ts'
import { inPlace } from '../durable/places.ts'

const test = suite('faults of a journal')

const CHILD = fileURLToPath(new URL('full-child.ts', import.meta.url))
const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))

async function refused(promise: Promise<unknown>, code: StoreErrorCode, text: RegExp): Promise<void> {
  const [result] = await Promise.allSettled([promise])
  const error: unknown = result?.status === 'rejected' ? result.reason : undefined
  assert.ok(isStoreError(error, code), String(error))
  assert.match(error.message, text)
}

async function filled(path: string, count: number, use: (journal: Journal) => Promise<void> = async () => undefined): Promise<void> {
  const durable = await openDurable({ path })
  const journal = durable.journal('audit')
  for (let seq = (await journal.lastSeq('p')) + 1; seq <= count; seq++)
    await journal.append('p', seq, Buffer.from(`sentinel-${seq}-of-this-test`))
  await use(journal)
  await journal.close()
  await durable.close()
}

test('a full disk: the append is refused, nothing hangs, and what was acknowledged is there', () =>
  inPlace(async (path) => {
    // A limit on every file stands for the full disk.
    const command = 'unset NODE_V8_COVERAGE; ulimit -f 512; exec "$0" --conditions=@stigmergy/source --import tsx "$@"'
    const { stdout } = await promisify(execFile)('/bin/sh', ['-c', command, process.execPath, CHILD, path], { cwd: ROOT, timeout: 30_000 })
    const [code, acknowledged = '', readable] = stdout.trim().split(' ')
    assert.is(code, 'STORE_FULL')
    assert.ok(Number(acknowledged) > 10, acknowledged)
    assert.is(readable, acknowledged)
    const durable = await openDurable({ path })
    const journal = durable.journal('audit')
    assert.is(await journal.append('p', Number(acknowledged) + 1, Buffer.from('again')), Number(acknowledged))
    await journal.close()
    await durable.close()
  }))

test('a flipped byte of a record is found by whoever reads it, and by nobody else', () =>
  inPlace(async (path) => {
    await filled(path, 30)
    const file = join(path, 'data.mdb')
    const bytes = await readFile(file)
    const handle = await open(file, 'r+')
    for (let at = bytes.indexOf('sentinel-17-'); at >= 0; at = bytes.indexOf('sentinel-17-', at + 1)) await handle.write('S', at)
    await handle.close()
    await filled(path, 31, async (journal) => {
      await refused(journal.read(16), 'STORE_BROKEN', /records 16 and on of journal audit are damaged: their check sum is wrong/)
      assert.is((await journal.read(17)).length, 14)
      const reader = await journal.reader('r')
      assert.is((await reader.next({ limit: 16 })).length, 16)
      // Never skipped.
      await refused(reader.next(), 'STORE_BROKEN', /records 16 and on/)
      assert.is(reader.position, 16)
    })
  }))

test('a record that is lost in the middle is an error, never a hole', () =>
  inPlace(async (path) => {
    await filled(path, 5)
    const environment = await openEnvironment(resolveDurableOptions({ path }))
    await environment.table('batches', false).remove(Buffer.concat([Buffer.from('audit\0'), Buffer.from([0, 0, 0, 0, 0, 0, 0, 2])]))
    await environment.close()
    await filled(path, 5, async (journal) => {
      await refused(journal.read(0), 'STORE_BROKEN', /record 2 of journal audit is missing; it ends at 5/)
      assert.is((await journal.read(3)).length, 2)
    })
  }))

test('records and segments of a newer schema are refused and left untouched', () =>
  inPlace(async (path) => {
    const rows = createRowCodec()
    await filled(path, 1)
    const environment = await openEnvironment(resolveDurableOptions({ path }))
    const key = Buffer.concat([Buffer.from('audit\0'), Buffer.alloc(8)])
    await environment.table('batches', false).put(key, rows.pack([2, 0, [], 'more']))
    await environment.close()
    await filled(path, 2, (journal) =>
      refused(journal.read(0), 'STORE_NEWER', /records 0 and on of journal audit has schema version 2; this release knows 1/),
    )
    const head = rows.pack([2, 0, 0])
    const segment = Buffer.concat([Buffer.from([0, 0, 0, head.length]), head])
    assert.throws(() => readSegment(rows, segment, 'audit'), /a segment of journal audit has schema version 2/)
  }))

test('a segment that is cut or ends elsewhere is damaged', () => {
  const rows = createRowCodec()
  const batch = (first: number): Parameters<typeof packSegment>[2][number] => ({
    first,
    wallMs: 7,
    items: [['p', first + 1, Buffer.from('x')]],
  })
  const whole = packSegment(rows, 4, [batch(4), batch(5)])
  assert.equal(
    readSegment(rows, whole, 'audit').map(({ first, wallMs }) => [first, wallMs]),
    [
      [4, 7],
      [5, 7],
    ],
  )
  for (const cut of [1, 3, whole.length - 1])
    assert.throws(() => readSegment(rows, whole.subarray(0, cut), 'audit'), /ends in the middle of a batch/)
  assert.throws(() => readSegment(rows, new Uint8Array(), 'audit'), /damaged/)
  const last = packSegment(rows, 5, [batch(5)])
  const headBytes = 4 + last.readUInt32BE(0)
  assert.throws(
    () => readSegment(rows, whole.subarray(0, whole.length - (last.length - headBytes)), 'audit'),
    /should end at 6 and ends at 5/,
  )
})

test('a directory opened to look refuses to write, and does not make what is not there', () =>
  inPlace(async (path) => {
    await refused(openDurableReader(join(path, 'nowhere')), 'STORE_ACCESS', /^there is no store at/)
    await filled(path, 3)
    const reader = await openDurableReader(path)
    const journal = reader.journal('audit')
    assert.equal(
      [(await journal.read(1)).length, await journal.lastSeq('p'), reader.leases(), (await reader.blobs.tags()).length],
      [2, 3, [], 0],
    )
    const store = reader.store as unknown as { commit(...given: unknown[]): Promise<unknown> }
    await refused(store.commit('x', 0, { owner: 'a', token: 1 }, new Uint8Array(1)), 'STORE_ACCESS', /is open for reading only/)
    await reader.close()
    await reader.close()
    await refused(
      Promise.resolve().then(() => reader.store.get('x')),
      'CLOSED',
      /is closed/,
    )
  }))

test('a batch of a table that forgets is told as damage after one more look', async () => {
  const table = createMemoryJournalTable()
  let looks = 0
  const forgetful = { ...table, batch: () => void (looks += 1) as undefined }
  const journal = openJournal(forgetful, 'audit')
  await journal.append('p', 1, Buffer.from('x'))
  await refused(journal.read(0), 'STORE_BROKEN', /record 0 of journal audit is missing/)
  assert.is(looks, 2)
  await journal.close()
})

test('an archive that never answers does not hold the closing for ever', async () => {
  const clock = createVirtualClock()
  const drops: string[] = []
  const archive: SegmentArchive = {
    put: () => new Promise(() => undefined),
    get: async () => new Uint8Array(),
    drop: async (name) => void drops.push(name),
  }
  const table = createMemoryJournalTable()
  const journal = openJournal(table, 'audit', { archive, hotRecords: 0, segmentRecords: 5, clock })
  const waiting = (await journal.reader('r')).next()
  for (let seq = 1; seq <= 20; seq++) await journal.append('p', seq, Buffer.from('x'))
  assert.ok((await waiting).length > 0)
  const closed = refused(journal.close(), 'STORE_TIMEOUT', /the archive of journal audit took longer than 10000 ms/)
  await clock.runUntil(10_001)
  await closed
  const again = openJournal(table, 'audit')
  assert.is((await again.read(0)).length, 20)
  await again.close()
})

test('a closing ends a tidying after the segment it is at', async () => {
  const moved: number[] = []
  let release = (): void => undefined
  const archive: SegmentArchive = {
    async put(_name, first) {
      moved.push(first)
      if (moved.length === 2) await new Promise<void>((resolve) => (release = resolve))
      return String(first)
    },
    get: async () => new Uint8Array(),
    drop: async () => undefined,
  }
  const table = createMemoryJournalTable()
  const filling = openJournal(table, 'audit')
  for (let seq = 1; seq <= 50; seq++) await filling.append('p', seq, Buffer.from('x'))
  await filling.close()
  const journal = openJournal(table, 'audit', { archive, hotRecords: 0, segmentRecords: 5 })
  const tidied = refused(journal.tidy(), 'CLOSED', /journal audit is closed/)
  while (moved.length < 2) await new Promise(setImmediate)
  const closed = journal.close()
  release()
  await closed
  await tidied
  assert.equal(moved, [0, 5])
})

test.run()
