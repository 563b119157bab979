import { clusterLacks, startCluster } from '@stigmergy/grid/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { newPlace } from '../../packages/grid/test/durable/places.ts'
import { pauseRounds } from '../../packages/grid/test/durable/pause-rounds.ts'
import { cpContender } from '../../packages/grid/test/hazelcast-cp/contender.ts'
import { needs } from '../runner/needs.ts'

const test = suite('SIGSTOP past the lease on Hazelcast CP, long')
const version = '5.4.0'
const lacks = await clusterLacks({ version })

needs(
  test,
  lacks ?? 'a cluster',
  lacks === undefined,
)('200 rounds', async () => {
  await using cluster = await startCluster({ members: 3, version, cpMembers: 3, heap: '192m' })
  const place = await newPlace()
  try {
    const { fenced } = await pauseRounds(cpContender(cluster, place.path), 200)
    assert.ok(fenced >= 100, `${fenced} writes of a stale holder were refused`)
  } finally {
    await place.done()
  }
})

test.run()
