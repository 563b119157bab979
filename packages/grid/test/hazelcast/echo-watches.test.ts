import { clusterLacks, startCluster } from '@stigmergy/grid/testing'
import { setTimeout as wait } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { needs } from '../../../../test/runner/needs.ts'
import { describeWatches, runWatches } from '../chaos/watch-run.ts'
import { createRandom } from '../random.ts'

const test = suite('hazelcast: watchers that lose events')
const lacks = await clusterLacks()

needs(
  test,
  lacks ?? 'a cluster',
  lacks === undefined,
)('are told a resync for each change that was passed over', async () => {
  await using cluster = await startCluster({ members: 1 })
  const verdict = await runWatches({
    cluster,
    perSecond: 800,
    // Few, so that most losses are followed by another change of the key before a repair can read it.
    keys: 20,
    random: createRandom(9),
    during: async (_cluster, link) => {
      link.shape({ '*': { dropEvents: 0.02 } })
      await wait(2000)
      link.shape({})
    },
  })
  console.log(describeWatches(verdict))
  assert.equal(verdict.faults.slice(0, 10), [])
  assert.ok(verdict.gaps > 0 && verdict.resyncs > 0)
})

test.run()
