import { clusterLacks, startCluster, type TestCluster } from '@stigmergy/grid/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { needs } from '../../../../test/runner/needs.ts'
import { createRandom } from '../random.ts'
import { describeAges, runAges, type AgeRunOptions } from './age-run.ts'

const SHORT_PHASES: AgeRunOptions['phases'] = [
  // While the processes warm up.
  ['nothing', 1500],
  ['writer slow', 1000],
  ['links slow in turn', 3000],
  ['events dropped', 1500],
  ['reader stalled', 1000],
  ['member paused', 1500],
  ['member joined', 1000],
  ['member killed', 2000],
]

const test = suite('age-truth experiment')
const lacking = await clusterLacks()
const onCluster = needs(test, `a Hazelcast cluster (${lacking})`, lacking === undefined)
let cluster: TestCluster

if (lacking === undefined) {
  test.before(async () => {
    cluster = await startCluster({ members: 3, maxSilenceSeconds: 20, env: { ...process.env, HAZELCAST_ADDRESSES: undefined } })
  })
  test.after(() => cluster.stop())
}

onCluster('a bug in what beats say is found', async () => {
  const random = createRandom(5)
  // Where the machine is so busy that nothing is proved for long, the bug has no occasion: then it gets another.
  for (let tries = 1; tries <= 3; tries++) {
    const run = await runAges({ cluster, writers: 1, perSecond: 200, random, planted: true, phases: [['links slow in turn', 6000]] })
    console.log(describeAges(run))
    if (run.lies.length > 0) return
  }
  assert.unreachable('the bug was not found')
})

onCluster('the bound is never below the real staleness, and no key stays wrong, whatever is done to members and links', async () => {
  const run = await runAges({ cluster, writers: 2, perSecond: 400, random: createRandom(5), phases: SHORT_PHASES })
  console.log(describeAges(run))
  assert.equal(run.lies.slice(0, 5), [])
  assert.equal(run.wrong, [])
  assert.ok(run.dropped > 5, 'events were dropped')
})

test.run()
