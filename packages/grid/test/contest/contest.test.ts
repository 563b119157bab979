import { connectBucket, openS3 } from '@stigmergy/grid/s3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { findVersitygw, startVersitygw } from '../../../../test/components/versitygw.ts'
import { needs } from '../../../../test/runner/needs.ts'
import { newPlace } from '../durable/places.ts'
import { loginOf } from '../s3/server.ts'
import { contestant, judge } from './judge.ts'

const test = suite('commits and leases of several processes are linearizable')
const program = await findVersitygw()

test('on lmdb', async () => {
  const place = await newPlace()
  try {
    const found = await judge(contestant('lmdb', place.path, 40))
    assert.ok(found.taken > 10 && found.refused > 0 && found.committed > 10, JSON.stringify(found))
  } finally {
    await place.done()
  }
})

needs(
  test,
  'Go, to build versitygw',
  program !== undefined,
)('on S3, the server killed in the middle', async () => {
  await using server = await startVersitygw(program as string)
  const judging = judge(contestant('s3', JSON.stringify(loginOf(server)), 40))
  // As soon as one of them is in the middle of it.
  const { store, close } = await openS3({ bucket: await connectBucket(loginOf(server)) })
  while (((await store.get('id-0'))?.rev ?? 0) < 3) await new Promise((resolve) => setTimeout(resolve, 5))
  await server.process.kill()
  await server.restart()
  const found = await judging
  await close()
  assert.ok(found.taken > 10 && found.refused > 0 && found.committed > 10, JSON.stringify(found))
})

test.run()
