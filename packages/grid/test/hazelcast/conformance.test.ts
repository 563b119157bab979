import type { GridBackend } from '@stigmergy/grid'
import { clusterLacks, gridCases, startCluster, type CaseNeed, type GridCase, type TestCluster } from '@stigmergy/grid/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { needs } from '../../../../test/runner/needs.ts'
import { takesUpTo } from '../../../../test/runner/time-limit.ts'
import { remote } from '../remote-backend.ts'
import { createClusterBench } from './bench.ts'

// Three clusters in turn.
takesUpTo(300_000)

/** What a cluster cannot give, and why: such cases are printed with it. */
const CANNOT: Partial<Record<CaseNeed, string>> = {
  linearizable: 'a write is one message to another process: nothing of it has happened inside the call',
  'total-order': 'each partition commits by itself: only the changes of one key have an order',
  ageless: 'the copy of a remote map is always some milliseconds old',
}

function cannot({ needs: needed = [] }: GridCase): string | undefined {
  return needed.map((need) => CANNOT[need]).find((reason) => reason !== undefined)
}

const lacks = await clusterLacks()

/** The last one: every operation and every change goes through a layer in between. */
const SETUPS: readonly (readonly [name: string, members: number, decorate?: (backend: GridBackend) => GridBackend])[] = [
  ['one member', 1],
  ['3 members', 3],
  ['one member, decorated', 1, remote],
]

for (const [name, members, decorate] of SETUPS) {
  const test = suite(`conformance: hazelcast, ${name}`)
  const onCluster = needs(test, lacks ?? 'a cluster', lacks === undefined)
  let cluster: TestCluster | undefined
  if (lacks === undefined) {
    test.before(async () => {
      cluster = await startCluster({ members })
    })
    test.after(() => cluster?.stop())
  }

  for (const one of gridCases) {
    const reason = cannot(one)
    if (reason !== undefined) {
      if (members > 1) console.log(`  not on Hazelcast: ${one.name} (${reason})`)
      continue
    }
    onCluster(one.name, async () => {
      const bench = createClusterBench(cluster as TestCluster, decorate === undefined ? {} : { decorate })
      try {
        await one.run(bench)
      } finally {
        await bench.close()
      }
      assert.is(bench.clock.pending, 0, 'close leaves no timer')
    })
  }
  test.run()
}
