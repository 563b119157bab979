import { openGrid } from '@stigmergy/grid'
import { hazelcast } from '@stigmergy/grid/hazelcast'
import { startCluster } from '@stigmergy/grid/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { loadPaused, recovered } from '../../packages/grid/test/chaos/load-run.ts'

const test = suite('a paused cluster under full load, long')
const PAUSED_MS = 30_000

test('30 s: memory stays bounded, every write gets an answer, and all goes on afterwards', async () => {
  await using cluster = await startCluster({ members: 1, maxSilenceSeconds: 60 })
  await using grid = await openGrid(hazelcast({ clusterName: cluster.clusterName, members: cluster.addresses }))
  const map = grid.map<string>('load')
  await map.caughtUp({ deadlineMs: 20_000 })
  const untilMs = performance.now() + PAUSED_MS
  const { outcomes, unknown, grownMiB } = await loadPaused(cluster, map, () => performance.now() < untilMs)
  console.log(`${JSON.stringify(outcomes)}, at most ${grownMiB.toFixed(0)} MiB more`)
  assert.equal(unknown, [])
  assert.ok(grownMiB < 150, `${grownMiB} MiB`)
  await recovered(map)
  assert.is((await map.get('after'))?.value, 'all')
})

test.run()
