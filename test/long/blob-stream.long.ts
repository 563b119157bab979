import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { streamBlobs } from '../../packages/grid/test/blobs/stream-blobs.ts'

const test = suite('blobs, long')

test('1 GB in and out takes less than 64 MB of memory', async () => {
  const grown = await streamBlobs(1024)
  assert.ok(grown < 64 * 1024 * 1024, `${grown} bytes`)
  console.log(`memory grew by ${grown} bytes`)
})

test.run()
