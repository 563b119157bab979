import { assign, createMachine } from 'xstate'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { child, isCoreError, memoryStore, type Store } from '../src/index.ts'
import { leavingStore } from './leaving-store.ts'
import { openBench } from './support.ts'

const test = suite('the store is away')

const machine = createMachine({
  id: 'm',
  types: {} as { context: { n: number }; events: { type: 'inc' } | { type: 'boom' } },
  context: { n: 0 },
  on: {
    inc: { actions: assign({ n: ({ context }) => context.n + 1 }) },
    boom: {
      actions: assign(() => {
        throw new Error('boom')
      }),
    },
  },
})

for (const durability of ['checkpoint', 'gated'] as const) {
  for (const supervised of [false, true]) {
    test(`${durability}${supervised ? ', supervised' : ''}: an agent that breaks once while the store is away is restarted when it is back`, async () => {
      const disk = leavingStore()
      const failures: string[] = []
      let refused = 0
      const hooks = { onFailure: ({ event }: { event: string }) => void failures.push(event), onCheckpointError: () => void (refused += 1) }
      const bench = await openBench({ store: disk.store, hooks })
      const { system, clock } = bench
      if (supervised) await system.supervise({ id: 's', children: ['a', 'b'].map((id) => child(machine, { id, durability })) })
      else await system.spawn(machine, { id: 'a', durability })
      const agent = system.agent('a')
      agent?.send({ type: 'inc' })
      await clock.advance(100)
      disk.away = true
      agent?.send({ type: 'boom' })
      await clock.advance(60_000)
      assert.equal([agent?.status, failures], ['restarting', ['boom']])
      assert.ok(refused > 3, 'the hooks hear of each try')
      disk.away = false
      await clock.advance(6000)
      assert.equal([agent?.status, agent?.restarts, agent?.snapshot.context, failures], ['running', 1, { n: 1 }, ['boom']])
      if (supervised) assert.is(system.agent('b')?.status, 'running')
      await bench.close()
    })
  }
}

test('what is restarted together is restarted in order, also where the store is away for the first of them', async () => {
  const inner = memoryStore()
  let away = false
  const store: Store = { ...inner, get: (id) => (away && id === 'a' ? Promise.reject(new Error('ECONNREFUSED')) : inner.get(id)) }
  const restarted: string[] = []
  const bench = await openBench({ store, hooks: { onRestart: ({ id }) => void restarted.push(id) } })
  const { system, clock } = bench
  const children = ['a', 'b', 'c'].map((id) => child(machine, { id, durability: 'checkpoint' }))
  await system.supervise({ id: 's', strategy: 'one-for-all', children })
  for (const id of ['a', 'b', 'c']) system.agent(id)?.send({ type: 'inc' })
  await clock.advance(100)
  away = true
  system.agent('b')?.send({ type: 'boom' })
  await clock.advance(10_000)
  assert.equal(restarted, [], 'the others wait for their turn')
  away = false
  await clock.advance(6000)
  assert.equal(restarted, ['a', 'b', 'c'])
  assert.equal(
    ['a', 'b', 'c'].map((id) => system.agent(id)?.status),
    ['running', 'running', 'running'],
  )
  await bench.close()
})

test('one that waits for the store can be stopped', async () => {
  const disk = leavingStore()
  const bench = await openBench({ store: disk.store })
  const agent = await bench.system.spawn(machine, { durability: 'checkpoint' })
  disk.away = true
  agent.send({ type: 'boom' })
  await bench.clock.advance(1000)
  await agent.stop().catch(() => undefined)
  disk.away = false
  await bench.clock.advance(10_000)
  assert.equal([agent.status, agent.restarts], ['stopped', 0])
  await bench.close()
})

test('a machine whose version is no string is refused: what is stored of it could not be read', async () => {
  const bench = await openBench()
  for (const version of [5, true, null]) {
    const wrong = createMachine({ id: 'm', version: version as never })
    try {
      await bench.system.spawn(wrong, { durability: 'checkpoint' })
      assert.unreachable()
    } catch (error) {
      assert.ok(isCoreError(error, 'BAD_MACHINE'), String(error))
    }
  }
  await bench.close()
})

test.run()
