import { createSystem } from '@stigmergy/core'
import { openGrid, type GridMap } from '@stigmergy/grid'
import { hazelcast } from '@stigmergy/grid/hazelcast'
import { createMapStore, type StoredInMap } from '@stigmergy/grid/store'
import { clusterLacks, startCluster } from '@stigmergy/grid/testing'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { robotOn, type Order, type RobotContext } from './cluster-agents/robot.ts'
import { needs } from './runner/needs.ts'

const test = suite('agents on a cluster')
const env = { ...process.env, HAZELCAST_ADDRESSES: undefined }
const lacking = await clusterLacks({ env })
const onCluster = needs(test, `a Hazelcast cluster (${lacking})`, lacking === undefined)
const CHILD = fileURLToPath(new URL('cluster-agents/child.ts', import.meta.url))
const WAIT_MS = 30_000

/** Resolves when this process's own copy of the map shows it. */
function seen<V>(map: GridMap<V>, key: string, holds: (value: V) => boolean): Promise<V> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not seen: ${JSON.stringify(map.peek(key))}`)), WAIT_MS)
    const watch = map.watch(
      () => {
        const entry = map.peek(key)
        if (entry === undefined || !holds(entry.value)) return
        clearTimeout(timer)
        queueMicrotask(() => watch.close())
        resolve(entry.value)
      },
      { initial: true },
    )
  })
}

onCluster('a context is read from the other near cache, a write reaches a machine in another process, a killed agent resumes', async () => {
  await using cluster = await startCluster({ env, members: 2 })
  const { clusterName, addresses } = cluster
  const child = fork(CHILD, [clusterName, ...addresses], { execArgv: ['--conditions=@stigmergy/source', '--import', 'tsx'] })
  const exited = once(child, 'exit')
  const checkpoints: number[] = []
  child.on('message', (message: { readonly rev?: number }) => message.rev !== undefined && checkpoints.push(message.rev))
  await once(child, 'message')
  await using grid = await openGrid(hazelcast({ clusterName, members: addresses, deadlineMs: 5000 }))
  const [orders, contexts] = [grid.map<Order>('orders'), grid.map<RobotContext>('contexts')]
  await Promise.all([orders, contexts].map((map) => (map as GridMap<unknown>).caughtUp({ deadlineMs: 20_000 })))

  await orders.put('o1', { count: 2 })
  const context = await seen(contexts, 'r1', ({ orders: taken }) => taken['o1'] === 2)
  assert.equal(context, { id: 'r1', orders: { o1: 2 }, from: '' })
  // The state with this order is stored, or the one after it is.
  const stored = checkpoints.length
  await orders.put('o2', { count: 3 })
  await seen(contexts, 'r1', ({ orders: taken }) => taken['o2'] === 3)
  while (checkpoints.length <= stored) await once(child, 'message')

  child.kill('SIGKILL')
  await exited
  const store = createMapStore(grid.map<StoredInMap>('states'))
  const before = await store.get('r1')
  assert.ok(before !== undefined && before.rev >= (checkpoints.at(-1) ?? 0))
  const system = createSystem({ grid, store })
  try {
    const agent = await system.spawn(robotOn(contexts), { id: 'r1', watch: { orders }, durability: 'checkpoint' })
    await agent.until((snapshot) => snapshot.context.from === 'checkpoint', { timeoutMs: WAIT_MS })
    assert.is(agent.snapshot.context.orders['o1'], 2)
    await orders.put('o3', { count: 4 })
    const resumed = await seen(contexts, 'r1', ({ orders: taken }) => taken['o3'] === 4)
    assert.equal(resumed, { id: 'r1', orders: { o1: 2, o2: 3, o3: 4 }, from: 'checkpoint' })
    await agent.checkpoint()
    assert.ok(((await store.get('r1'))?.fence.token ?? 0) > before.fence.token, 'the one that was killed could write no more')
  } finally {
    await system.close()
  }
})

test.run()
