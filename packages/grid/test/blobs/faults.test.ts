import { archiveInBlobs, createBlobs, createDiskBytes, createMemoryTags, type Blobs } from '@stigmergy/grid/blobs'
import { openDurable } from '@stigmergy/grid/durable'
import { isStoreError, type StoreErrorCode } from '@stigmergy/grid/store'
import { execFile } from 'node:child_process'
import { mkdir, open, readdir, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { newPlace } from '../durable/places.ts'
import { streamBlobs } from './stream-blobs.ts'

const test = suite('faults of blobs on disk')

const FULL_CHILD = fileURLToPath(new URL('full-child.ts', import.meta.url))
const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))

async function refused(promise: Promise<unknown>, code: StoreErrorCode, text: RegExp): Promise<void> {
  const [result] = await Promise.allSettled([promise])
  const error: unknown = result?.status === 'rejected' ? result.reason : undefined
  assert.ok(isStoreError(error, code), String(error))
  assert.match(error.message, text)
}

async function inPlace(use: (path: string, blobs: Blobs) => Promise<void>): Promise<void> {
  const place = await newPlace()
  try {
    await use(place.path, createBlobs(createDiskBytes({ path: place.path }), createMemoryTags()))
  } finally {
    await place.done()
  }
}

test('a flipped byte and a lost end are found by whoever reads, and named', () =>
  inPlace(async (path, blobs) => {
    const { id } = await blobs.put(Buffer.alloc(1_000_000, 'policy'))
    const other = await blobs.put(Buffer.from('well'))
    const file = join(path, 'objects', id.slice(0, 2), id)
    const handle = await open(file, 'r+')
    await handle.write('X', 777_777)
    await handle.close()
    await refused(blobs.readAll(id), 'BLOB_BROKEN', new RegExp(`blob ${id} is damaged: the SHA-256 of its 1000000 bytes is`))
    await truncate(file, 1000)
    await refused(blobs.readAll(id), 'BLOB_BROKEN', /of its 1000 bytes/)
    assert.is(Buffer.from(await blobs.readAll(other.id)).toString(), 'well')
    await blobs.put(Buffer.alloc(1_000_000, 'policy'))
    assert.is((await blobs.readAll(id)).length, 1_000_000)
  }))

test('a full disk: the put is refused, nothing half-written is seen or left, and what was there is there', () =>
  inPlace(async (path, blobs) => {
    const { id } = await blobs.put(Buffer.from('before'))
    const command = 'unset NODE_V8_COVERAGE; ulimit -f 512; exec "$0" --conditions=@stigmergy/source --import tsx "$@"'
    const { stdout } = await promisify(execFile)('/bin/sh', ['-c', command, process.execPath, FULL_CHILD, path], {
      cwd: ROOT,
      timeout: 30_000,
    })
    assert.is(stdout.trim(), 'STORE_FULL 1')
    assert.equal(await readdir(join(path, 'incoming')), [])
    assert.is((await blobs.stat(id)).size, 6)
  }))

test('a place that cannot be written', () =>
  inPlace(async (path) => {
    await writeFile(join(path, 'file'), 'x')
    const blobs = createBlobs(createDiskBytes({ path: join(path, 'file') }), createMemoryTags())
    await refused(blobs.put(Buffer.from('x')), 'STORE_ACCESS', /cannot be written/)
    assert.equal(await blobs.tags(), [])
  }))

test('what killed processes left is taken away, or back, by the next collection', () =>
  inPlace(async (path, blobs) => {
    const { id } = await blobs.put(Buffer.from('tagged'))
    await blobs.tag('a', '1.0.0', id)
    const long = new Date(Date.now() - 7_200_000)
    for (const name of ['dead', 'alive']) await writeFile(join(path, 'incoming', name), 'half')
    await utimes(join(path, 'incoming', 'dead'), long, long)
    await mkdir(join(path, 'trash'))
    const file = join(path, 'objects', id.slice(0, 2), id)
    await utimes(file, long, long)
    await promisify(execFile)('mv', [file, join(path, 'trash', id)])
    assert.is(Buffer.from(await blobs.readAll(id)).toString(), 'tagged')
    await blobs.collect()
    assert.equal([await readdir(join(path, 'incoming')), await readdir(join(path, 'trash'))], [['alive'], []])
    assert.is(Buffer.from(await blobs.readAll('a')).toString(), 'tagged')
  }))

test('64 MB in and out take less than 64 MB of memory', async () => {
  const grown = await streamBlobs(64)
  assert.ok(grown < 64 * 1024 * 1024, `${grown} bytes`)
})

test('a journal keeps its old segments as blobs, which no collection takes, and gives them up with retention', async () => {
  const place = await newPlace()
  try {
    const durable = await openDurable({ path: place.path })
    const options = { archive: archiveInBlobs(durable.blobs), hotRecords: 10, segmentRecords: 10, keepRecords: 60 }
    const journal = durable.journal('plans @ cell 7', options)
    const append = async (to: number): Promise<void> => {
      for (let seq = (await journal.lastSeq('p')) + 1; seq <= to; seq++) await journal.append('p', seq, Buffer.from(`${seq}`))
    }
    await append(50)
    await journal.tidy()
    assert.is((await durable.blobs.collect({ graceMs: 0 })).removed, 0)
    const segments = await durable.blobs.tags()
    assert.equal(segments.map(({ name, version, id }) => `${name}@${version.replace(id.slice(0, 16), 'ID')}`).slice(0, 2), [
      'journal/plans%20%40%20cell%207@0.0.0-bID',
      'journal/plans%20%40%20cell%207@10.0.0-bID',
    ])
    assert.equal(
      (await journal.read(0, { limit: 100 })).map(({ value }) => Number(Buffer.from(value).toString())),
      Array.from({ length: 50 }, (_, at) => at + 1),
    )
    await append(90)
    await journal.tidy()
    assert.is((await journal.extent()).first, 30)
    assert.ok((await durable.blobs.collect({ graceMs: 0 })).removed >= 3)
    assert.is((await journal.read(30, { limit: 100 })).length, 60)
    await journal.close()
    await durable.close()
  } finally {
    await place.done()
  }
})

test.run()
