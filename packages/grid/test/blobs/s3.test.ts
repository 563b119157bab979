import type { Blobs } from '@stigmergy/grid/blobs'
import { blobCases } from '@stigmergy/grid/blobs/testing'
import { openS3Blobs, type LargeObjectBucket } from '@stigmergy/grid/s3'
import { isStoreError } from '@stigmergy/grid/store'
import { createHash } from 'node:crypto'
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { findVersitygw, startVersitygw, type Versitygw } from '../../../../test/components/versitygw.ts'
import { needs } from '../../../../test/runner/needs.ts'
import { createMemoryBucket } from '../s3/memory-bucket.ts'
import { clients, loginOf } from '../s3/server.ts'
import { streamBlobs } from './stream-blobs.ts'

const test = suite('blobs on S3')
const program = await findVersitygw()
const onServer = needs(test, 'Go, to build versitygw', program !== undefined)
let server: Versitygw | undefined

test.before(async () => {
  if (program !== undefined) server = await startVersitygw(program)
})
test.after(async () => {
  await server?.stop()
})

async function inPrefix(
  client: string,
  prefix: string,
  use: (open: () => Promise<Blobs>, bucket: LargeObjectBucket) => Promise<void>,
): Promise<void> {
  const opened: Blobs[] = []
  const { bucket, done } = await (clients[client] as (typeof clients)['s3mini'] & object)(loginOf(server as Versitygw))
  try {
    await use(async () => {
      opened.push(await openS3Blobs({ bucket, prefix }))
      return opened.at(-1) as Blobs
    }, bucket)
  } finally {
    for (const blobs of opened) await blobs.close()
    done()
  }
}

for (const [at, { name, run }] of blobCases.entries()) {
  onServer(`versitygw: ${name}`, () => inPrefix('s3mini', `case-${at}/`, (openBlobs) => run({ open: openBlobs })))
}

for (const client of Object.keys(clients)) {
  onServer(`${client}: a blob of several parts is one object, and nothing else is left`, () =>
    inPrefix(client, `parts-${client.slice(0, 2).replace('@', 'a')}/`, async (openBlobs, bucket) => {
      const blobs = await openBlobs()
      const content = Buffer.alloc(20_000_000, 'a recording of the belt, ')
      const { id } = await blobs.put([content.subarray(0, 9_000_000), content.subarray(9_000_000)])
      assert.is(id, createHash('sha256').update(content).digest('hex'))
      assert.ok(Buffer.from(await blobs.readAll(id)).equals(content))
      await assertRejects(blobs.put(failing()), /the camera is gone/)
      const prefix = `parts-${client.slice(0, 2).replace('@', 'a')}/`
      const keys = await Promise.all(['blobs/', 'incoming/', 'aside/'].map((folder) => bucket.list({ prefix: prefix + folder })))
      assert.equal(
        keys.map(({ objects }) => objects.length),
        [1, 0, 0],
      )
    }),
  )
}

async function* failing(): AsyncGenerator<Uint8Array> {
  yield Buffer.alloc(9_000_000)
  throw new Error('the camera is gone')
}

async function assertRejects(promise: Promise<unknown>, text: RegExp): Promise<void> {
  const [result] = await Promise.allSettled([promise])
  assert.match(String(result?.status === 'rejected' ? result.reason : 'resolved'), text)
}

onServer('a flipped byte in the bucket is found by whoever reads, and named', () =>
  inPrefix('s3mini', 'flip/', async (openBlobs) => {
    const blobs = await openBlobs()
    const { id } = await blobs.put(Buffer.from('policy'))
    const folder = join((server as Versitygw).root, (server as Versitygw).bucket, 'flip', 'blobs')
    assert.equal(await readdir(folder), [id])
    const handle = await open(join(folder, id), 'r+')
    await handle.write('X', 2)
    await handle.close()
    await assertRejects(blobs.readAll(id), new RegExp(`blob ${id} is damaged`))
  }),
)

onServer('64 MB in and out take less than 64 MB of memory', async () => {
  const grown = await streamBlobs(64, loginOf(server as Versitygw))
  assert.ok(grown < 64 * 1024 * 1024, `${grown} bytes`)
})

test('a bucket without large objects is refused when it is opened', async () => {
  const bucket = createMemoryBucket() as unknown as LargeObjectBucket
  const [result] = await Promise.allSettled([openS3Blobs({ bucket })])
  assert.ok(result?.status === 'rejected' && isStoreError(result.reason, 'BAD_OPTION'))
})

test.run()
