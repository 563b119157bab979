import { createBlobs, createDiskBytes, createMemoryBytes, createMemoryTags, type BlobBytes } from '@stigmergy/grid/blobs'
import { StoreError } from '@stigmergy/grid/store'
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

type Bucket = ReturnType<typeof createMemoryBucket>

async function onBucket(use: (open: () => BlobBytes, marked: () => boolean, bucket: Bucket) => Promise<void>): Promise<void> {
  const large = async (): Promise<never> => Promise.reject(new Error('no blob here is large'))
  const bucket = { ...createMemoryBucket(), startUpload: large, copy: large }
  const resolved = resolveS3Options({ bucket })
  const { register, operations } = await openRegister(resolved)
  await use(
    () => createS3Bytes(resolved, bucket, register, operations),
    () => bucket.objects.has(`aside/${ID}`),
    bucket,
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

test('on S3 a collection that died as it removed a blob keeps nobody from putting it again, and removes none of that', () =>
  onBucket(async (open, marked, bucket) => {
    const [dead, bytes] = [open(), open()]
    await put(dead)
    const { delete: remove } = bucket
    const removals: string[] = []
    bucket.delete = async (key) => {
      removals.push(key)
      throw new StoreError('STORE_FAILED', 'the process was killed')
    }
    const [dying] = await Promise.allSettled([dead.discard(ID, await dead.setAside(ID, 0))])
    assert.is(dying?.status, 'rejected')
    bucket.delete = remove
    // A tag would be of what goes.
    assert.is(await bytes.keep(ID), false)
    await put(bytes)
    await put(bytes)
    assert.is(await bytes.keep(ID), true)
    // It arrives after all.
    for (const key of removals) await remove(key)
    const blobs = createBlobs(bytes, createMemoryTags())
    assert.ok(Buffer.from(await blobs.readAll(ID)).equals(CONTENT))
    await put(bytes)
    const ids: string[] = []
    for await (const { id } of bytes.list()) ids.push(id)
    assert.equal(ids, [ID])
    // Later collections take it for dead, finish what it began, and remove what is left as ever.
    await bytes.clean(0)
    assert.equal([await bytes.keep(ID), marked()], [true, false])
    await put(bytes)
    await bytes.discard(ID, await bytes.setAside(ID, 0))
    assert.equal(
      [...bucket.objects.keys()].filter((key) => key.includes(ID)),
      [],
    )
  }))

test('on S3 a read goes on in another object of the same bytes', () =>
  onBucket(async (open, _marked, bucket) => {
    const bytes = open()
    await put(bytes)
    const stream = await bytes.open(ID, undefined)
    bucket.objects.delete(`blobs/${ID}`)
    await bucket.put(`blobs/${ID}.again`, CONTENT)
    const chunks: Uint8Array[] = []
    for await (const chunk of stream ?? []) chunks.push(chunk)
    assert.ok(Buffer.concat(chunks).equals(CONTENT))
  }))

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
