import { clusterLacks, startCluster, type TestCluster } from '@stigmergy/grid/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { needs } from './runner/needs.ts'
import { runCluster, runClusterKilled } from './telemetry/cluster.ts'
import type { Place } from './telemetry/cluster-stages.ts'
import { seeded } from './telemetry/seeded.ts'

const test = suite('traces over a cluster')
const lacking = await clusterLacks()
const onCluster = needs(test, `a Hazelcast cluster (${lacking})`, lacking === undefined)
const seed = 11
let cluster: TestCluster

if (lacking === undefined) {
  test.before(async () => {
    cluster = await startCluster({ members: 1, env: { ...process.env, HAZELCAST_ADDRESSES: undefined } })
  })
  test.after(() => cluster.stop())
}

const place = (prefix: string, share: number): Place => ({
  clusterName: cluster.clusterName,
  members: cluster.addresses,
  prefix,
  share,
})

onCluster(`every faulty pipeline is exported whole by both processes, and few others (seed ${seed})`, async () => {
  const result = await runCluster(place('whole.', 0.005), 2000, seeded(seed))
  assert.ok(result.faulty > 10, String(result.faulty))
  assert.equal(result.incomplete, [])
  assert.equal([result.holes, result.dropped, result.lost], [0, 0, 0])
  assert.ok(result.exported / result.pipelines <= 0.03, `${result.exported} of ${result.pipelines} exported`)
  for (const ratio of result.ratios) assert.ok(ratio >= 0.999, result.ratios.join())
})

onCluster('the parts of a killed process are counted as lost', async () => {
  assert.equal(await runClusterKilled(place('killed.', 0), 200), { lost: 20, holes: 20 })
})

test.run()
