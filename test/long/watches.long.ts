import { startCluster, type TestCluster } from '@stigmergy/grid/testing'
import { setTimeout as wait } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { describeWatches, runWatches } from '../../packages/grid/test/chaos/watch-run.ts'
import type { Link } from '../../packages/grid/test/chaos/link.ts'
import { createRandom } from '../../packages/grid/test/random.ts'

const test = suite('watchers in chaos, long')
const MS = 60_000

/** One after the other until the time is over: a member dies and another comes, the link of one watcher is cut, or loses events. */
function troubles(random: () => number) {
  return async (cluster: TestCluster, link: Link): Promise<void> => {
    for (const until = performance.now() + MS; performance.now() < until; await wait(500 + random() * 3000)) {
      const dice = random()
      if (dice < 0.3) {
        await cluster.members.findLast(({ state }) => state === 'running')?.kill()
        await wait(2000)
        await cluster.join()
      } else if (dice < 0.6) link.cut()
      else link.shape({ '*': { dropEvents: dice < 0.8 ? 0.02 : 0 } })
    }
    link.shape({})
  }
}

test('60 s of 2,000 changes/s', async () => {
  await using cluster = await startCluster({ members: 3, maxSilenceSeconds: 20 })
  const random = createRandom(9)
  const verdict = await runWatches({ cluster, perSecond: 2000, keys: 1000, random, during: troubles(random) })
  console.log(describeWatches(verdict))
  assert.equal(verdict.faults.slice(0, 10), [])
  assert.ok(verdict.changes > 10_000 && verdict.resyncs > 0)
})

test.run()
