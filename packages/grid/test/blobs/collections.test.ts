import { createBlobs, createDiskBytes, createMemoryBytes, createMemoryTags, type BlobBytes } from '@stigmergy/grid/blobs'
import { isStoreError, StoreError } from '@stigmergy/grid/store'
import { createHash } from 'node:crypto'
import { readdir, readlink } from 'node:fs/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openRegister } from '../../src/s3/open-s3.ts'
import { resolveS3Options } from '../../src/s3/options.ts'
import { createS3Bytes } from '../../src/s3/s3-bytes.ts'
import { newPlace, quickPlace } from '../durable/places.ts'
import { createMemoryBucket } from '../s3/memory-bucket.ts'

/** Two collections at a time, and a tag between their steps: the steps of `BlobBytes` in the order that lost a blob once. */
const test = suite('collections of blobs at the same time')

const CONTENT = Buffer.from('policy')
const ID = createHash('sha256').update(CONTENT).digest('hex')

async function put(bytes: BlobBytes): Promise<void> {
  const upload = await bytes.begin()
  await upload.write(CONTENT)
  await upload.finish(ID, CONTENT.length)
}

async function overtaken(one: BlobBytes, other: BlobBytes): Promise<void> {
  await put(one)
  const aside = await one.setAside(ID, 0)
  assert.ok(aside !== undefined)
  // It is tagged now: kept, and acknowledged. The first collection has looked at the tags before that.
  assert.is(await other.keep(ID), true)
  // The second one has not seen the tag yet either, and will.
  const again = await other.setAside(ID, 0)
  await one.discard(ID, aside)
  assert.is(await one.size(ID), CONTENT.length, 'the first has removed what the second had set aside')
  if (again !== undefined) await other.restore(ID, again)
  await one.restore(ID, aside)
  assert.is(await one.keep(ID), true)
  assert.is(await other.size(ID), CONTENT.length)
  // What nobody has kept goes.
  const last = await other.setAside(ID, 0)
  assert.ok(last !== undefined)
  await other.discard(ID, last)
  assert.is(await one.size(ID), undefined)
  assert.is(await one.keep(ID), false)
}

test('in memory', () => {
  const bytes = createMemoryBytes()
  return overtaken(bytes, bytes)
})

test('on disk, by two processes and by one', async () => {
  const place = await newPlace()
  try {
    const bytes = createDiskBytes({ path: place.path })
    await overtaken(bytes, createDiskBytes({ path: place.path }))
    await overtaken(bytes, bytes)
  } finally {
    await place.done()
  }
})

async function onBucket(use: (open: () => BlobBytes, marked: () => boolean) => Promise<void>): Promise<void> {
  const large = async (): Promise<never> => Promise.reject(new Error('no blob here is large'))
  const bucket = { ...createMemoryBucket(), startUpload: large, copy: large }
  const resolved = resolveS3Options({ bucket })
  const { register, operations } = await openRegister(resolved)
  await use(
    () => createS3Bytes(resolved, bucket, register, operations),
    () => bucket.objects.has(`aside/${ID}`),
  )
  await operations.close()
}

test('on S3, by two processes and by one', () =>
  onBucket(async (open) => {
    const bytes = open()
    await overtaken(bytes, open())
    await overtaken(bytes, bytes)
  }))

test('on S3 nobody takes away the mark of another: a tag would not see that the blob is doomed', () =>
  onBucket(async (open, marked) => {
    const [one, other, third] = [open(), open(), open()]
    await put(one)
    const first = await one.setAside(ID, 0)
    await third.keep(ID)
    const second = await other.setAside(ID, 0)
    assert.ok(first !== undefined && second !== undefined)
    // Late, both: the blob was kept since.
    await one.restore(ID, first)
    assert.ok(marked(), 'restored')
    await one.discard(ID, first)
    assert.ok(marked(), 'discarded')
    await other.discard(ID, second)
    assert.equal([await one.size(ID), marked()], [undefined, false])
  }))

test('on S3 a blob that a killed collection was removing is told as such', async () => {
  const large = async (): Promise<never> => Promise.reject(new Error('no blob here is large'))
  const bucket = { ...createMemoryBucket(), startUpload: large, copy: large }
  const resolved = resolveS3Options({ bucket, timeoutMs: 200 })
  const { register, operations } = await openRegister(resolved)
  const bytes = createS3Bytes(resolved, bucket, register, operations)
  await put(bytes)
  const dying = createS3Bytes(
    resolved,
    { ...bucket, delete: () => Promise.reject(new StoreError('STORE_ACCESS', 'killed')) },
    register,
    operations,
  )
  const aside = await dying.setAside(ID, 0)
  await dying.discard(ID, aside).catch(() => undefined)
  const [kept] = await Promise.allSettled([bytes.keep(ID)])
  assert.ok(kept.status === 'rejected' && isStoreError(kept.reason, 'STORE_TIMEOUT'), JSON.stringify(kept))
  assert.match(kept.reason.message, `a collection is removing blob ${ID}, or was killed while it did`)
  await operations.close()
})

test('whoever reads finds a blob that goes aside and back all the time', async () => {
  const place = await quickPlace()
  try {
    const bytes = createDiskBytes({ path: place.path })
    await put(bytes)
    let over = false
    const toAndFro = async (): Promise<void> => {
      while (!over) {
        const aside = await bytes.setAside(ID, 0)
        if (aside !== undefined) await bytes.restore(ID, aside)
      }
    }
    const moving = [toAndFro(), toAndFro(), toAndFro()]
    let missed = 0
    for (let turn = 0; turn < 2000; turn++) if ((await bytes.size(ID)) === undefined) missed += 1
    over = true
    await Promise.all(moving)
    assert.is(missed, 0)
  } finally {
    await place.done()
  }
})

async function openFiles(): Promise<number> {
  const links = await Promise.all((await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')))
  return links.filter((link) => link.endsWith(ID)).length
}

if (process.platform === 'linux')
  test('a read that is aborted as its file is opened closes the file', async () => {
    const place = await newPlace()
    try {
      const disk = createDiskBytes({ path: place.path })
      const stop = new AbortController()
      const bytes: BlobBytes = {
        ...disk,
        async open(id, signal) {
          const chunks = await disk.open(id, signal)
          stop.abort(new Error('too late'))
          return chunks
        },
      }
      const blobs = createBlobs(bytes, createMemoryTags())
      await blobs.put(CONTENT)
      const [result] = await Promise.allSettled([blobs.readAll(ID, { signal: stop.signal })])
      assert.match(String(result?.status === 'rejected' && result.reason), /too late/)
      for (let turn = 0; turn < 100 && (await openFiles()) > 0; turn++) await new Promise(setImmediate)
      assert.is(await openFiles(), 0)
    } finally {
      await place.done()
    }
  })

test.run()
