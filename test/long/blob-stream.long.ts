import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { streamBlobs } from '../../packages/grid/test/blobs/stream-blobs.ts'
import { loginOf } from '../../packages/grid/test/s3/server.ts'
import { findVersitygw, startVersitygw } from '../components/versitygw.ts'
import { needs } from '../runner/needs.ts'

const test = suite('blobs, long')
const program = await findVersitygw()
const onServer = needs(test, 'Go, to build versitygw', program !== undefined)

test('1 GB in and out of the disk takes less than 64 MB of memory', async () => {
  const grown = await streamBlobs(1024)
  assert.ok(grown < 64 * 1024 * 1024, `${grown} bytes`)
  console.log(`memory grew by ${grown} bytes`)
})

onServer('1 GB in and out of S3 takes less than 64 MB of memory', async () => {
  const server = await startVersitygw(program ?? '')
  try {
    const grown = await streamBlobs(1024, loginOf(server))
    assert.ok(grown < 64 * 1024 * 1024, `${grown} bytes`)
    console.log(`memory grew by ${grown} bytes`)
  } finally {
    await server.stop()
  }
})

test.run()
