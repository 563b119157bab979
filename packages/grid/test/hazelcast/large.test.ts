import { openGrid, type Grid, type GridMap, type MapOptions } from '@stigmergy/grid'
import { hazelcast } from '@stigmergy/grid/hazelcast'
import { clusterLacks, startCluster, type TestCluster } from '@stigmergy/grid/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { needs } from '../../../../test/runner/needs.ts'

const test = suite('hazelcast: large maps')
const lacks = await clusterLacks()
const onCluster = needs(test, lacks ?? 'a cluster', lacks === undefined)
let cluster: TestCluster
let grid: Grid

if (lacks === undefined) {
  test.before(async () => {
    cluster = await startCluster({ members: 1 })
    grid = await openGrid(hazelcast({ clusterName: cluster.clusterName, members: cluster.addresses, deadlineMs: 500 }))
  })
  test.after(async () => {
    await grid.close()
    await cluster.stop()
  })
}

const entries = (count: number): (readonly [string, number])[] => Array.from({ length: count }, (_, n) => [`k${n}`, n] as const)

async function open(name: string, options: MapOptions<number> = {}): Promise<GridMap<number>> {
  const map = grid.map<number>(name, options)
  await map.caughtUp({ deadlineMs: 20_000 })
  return map
}

onCluster('far more than fit into one deadline are written by one call, and removed by one', async () => {
  const map = await open('large')
  await map.putAll(entries(20_000))
  assert.is(map.size, 20_000)
  await map.clear()
  assert.is(map.size, 0)
  assert.is(await map.get('k19999', { consistency: 'strong' }), undefined)
})

onCluster('so are entries with a time to live, and those of a map with merge', async () => {
  for (const options of [{ ttlMs: 600_000 }, { merge: 'last-writer-wins' }] as const) {
    const map = await open(JSON.stringify(options), options)
    await map.putAll(entries(10_000))
    assert.is(map.size, 10_000)
  }
})

test.run()
