import { openGrid } from '@stigmergy/grid'
import { hazelcast } from '@stigmergy/grid/hazelcast'
import { createReadThrough, createWriteBehind } from '@stigmergy/grid/keep'
import { createMemoryStore } from '@stigmergy/grid/store'
import { clusterLacks, startCluster } from '@stigmergy/grid/testing'
import { setTimeout as wait } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { needs } from '../../../../test/runner/needs.ts'

const test = suite('a cluster that was wiped')
const lacks = await clusterLacks()

needs(
  test,
  lacks ?? 'a cluster',
  lacks === undefined,
)('is refilled from the store', async () => {
  await using store = createMemoryStore()
  await using cluster = await startCluster({ members: 1, heap: '192m' })
  const backend = () => hazelcast({ clusterName: cluster.clusterName, members: cluster.addresses, deadlineMs: 5000 })
  const grid = await openGrid(backend())
  const parts = grid.map<number>('parts')
  const keeper = createWriteBehind(parts, { store, fence: { owner: 'first', token: 1 } })
  await parts.putAll(Array.from({ length: 100 }, (_, at) => [`p${at}`, at] as const))
  // By another process, which knows nothing of a keeper.
  const other = await openGrid(backend())
  await other.map<number>('parts').put('p5', 555)
  await other.close()
  await parts.caughtUp()
  await keeper.flush()
  const changes: string[] = []
  parts.watch((change) => changes.push(change.type))
  const [member] = cluster.members
  await member?.kill()
  await cluster.join({ ...(member && { address: member.address }) })
  // The keeper lives through it. That the copy is empty now is told by a resync and is no remove: the store keeps all of it.
  for (const untilMs = performance.now() + 30_000; parts.size > 0 && performance.now() < untilMs;) await wait(50)
  await keeper.flush()
  assert.is(parts.size, 0, changes.join())
  const ids: string[] = []
  for await (const { id } of store.scan()) ids.push(id)
  assert.is(ids.length, 100, changes.join())
  await keeper.close()
  await grid.close()

  const wiped = await openGrid(backend())
  const again = wiped.map<number>('parts')
  await again.caughtUp()
  assert.is(again.size, 0)
  await again.put('p7', 777)
  const stored = createReadThrough(again, { store })
  assert.is((await stored.get('p5'))?.value, 555)
  assert.is(await stored.refill(), 98)
  assert.equal([again.size, again.peek('p7')?.value, again.peek('p99')?.value], [100, 777, 99])
  await wiped.close()
})

test.run()
