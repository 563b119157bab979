import { embedded, openGrid } from '@stigmergy/grid'
import { clusterLacks, startCluster, type TestCluster } from '@stigmergy/grid/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { needs } from '../../../../test/runner/needs.ts'
import { remote } from '../remote-backend.ts'
import { describeHistories, judgeHistories, runHistories, TROUBLES } from './history-run.ts'
import { runHistory } from './roles/history-client.ts'
import { runTtl } from './ttl-run.ts'

const test = suite('histories')
const lacking = await clusterLacks()
const onCluster = needs(test, `a Hazelcast cluster (${lacking})`, lacking === undefined)
let cluster: TestCluster

for (const [name, backend] of Object.entries({ embedded, 'embedded, as if remote': () => remote(embedded()) })) {
  test(`${name}: linearizable, and each session goes forward`, async () => {
    const shared = backend()
    const grids = await Promise.all([1, 2, 3, 4].map(() => openGrid(shared)))
    const clients = grids.map((grid, number) => {
      const args = { name: `g${number}`, number, seed: number, keys: 8, lanes: 4, pauseMs: 0, operations: 800, unheld: number === 3 }
      return runHistory(grid, args, new AbortController().signal)
    })
    const verdict = judgeHistories(await Promise.all(clients))
    console.log(describeHistories(verdict))
    assert.ok(verdict.operations > 2000)
    assert.equal([verdict.refuted, verdict.undecided, verdict.sessionViolations, verdict.unknown], [[], [], [], 0])
    await Promise.all(grids.map((grid) => grid.close()))
  })
}

if (lacking === undefined) {
  test.before(async () => {
    cluster = await startCluster({ members: 3, maxSilenceSeconds: 20, env: { ...process.env, HAZELCAST_ADDRESSES: undefined } })
  })
  test.after(() => cluster.stop())
}

onCluster('500 ms to live: never less, and not seen 60 ms later, whatever the wall clocks say', async () => {
  const verdict = await runTtl(cluster, 500, 20)
  console.log(`${verdict.observed} lives of ${verdict.shortestMs.toFixed(1)} to ${verdict.longestMs.toFixed(1)} ms`)
  assert.equal(verdict.faults, [])
  assert.ok(verdict.observed > 60, String(verdict.observed))
})

onCluster('three processes on three members, one of which is killed, one joins and one is paused shortly', async () => {
  const verdict = await runHistories({
    cluster,
    clients: 3,
    keys: 20,
    seed: 3,
    unheld: 1,
    async during(running) {
      await TROUBLES['a member killed'](3000)(running)
      await TROUBLES['a member joined'](1000)(running)
      await TROUBLES['a member paused'](1800)(running)
    },
  })
  console.log(describeHistories(verdict))
  assert.ok(verdict.operations > 200)
  assert.equal([verdict.refuted, verdict.sessionViolations], [[], []])
})

test.run()
