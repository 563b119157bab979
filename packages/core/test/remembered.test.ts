import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assign, createMachine } from 'xstate'
import { command, memoryStore, type Store } from '../src/index.ts'
import { openBench, type Bench } from './support.ts'

const test = suite('remembered ids')

type Order = { type: 'order'; n: number } | { type: 'boom' } | { type: 'agent.restored' }

const clerk = createMachine({
  types: {} as { context: { orders: readonly number[] }; events: Order },
  id: 'clerk',
  context: { orders: [] },
  on: {
    order: {
      actions: [assign({ orders: ({ context, event }) => [...context.orders, event.n] }), command('arm', ({ event }) => event.n)],
    },
    boom: {
      // As it decides: what throws after the commit breaks on a state that has handled the event.
      actions: assign(() => {
        throw new Error('boom')
      }),
    },
  },
})

/** A store that is as it was when the process was killed, whatever that process still writes. */
function mortal(inner: Store): { readonly store: Store; kill(): void } {
  let dead = false
  const never = new Promise<never>(() => undefined)
  return {
    store: { ...inner, commit: (...args) => (dead ? never : inner.commit(...args)), get: (id) => (dead ? never : inner.get(id)) },
    kill: () => void (dead = true),
  }
}

async function abandon({ system, clock, grid }: Bench): Promise<void> {
  const closed = system.close({ timeoutMs: 1 }).catch(() => undefined)
  await clock.advance(1)
  await closed
  await grid.close()
}

for (const durability of ['gated', 'checkpoint'] as const) {
  test(`${durability}: what the stored state has handled is not handled again after a kill; what it has not, is`, async () => {
    const disk = memoryStore()
    const done: unknown[] = []
    const actuators = { arm: (n: unknown) => void done.push(n) }
    const first = mortal(disk)
    const one = await openBench({ store: first.store, actuators })
    const agent = await one.system.spawn(clerk, { id: 'clerk', durability, checkpoint: { transitions: 1 } })
    agent.send({ type: 'order', n: 1 }, { id: 'first' })
    await one.settle()
    assert.equal(done, [1])
    first.kill()
    agent.send({ type: 'order', n: 2 }, { id: 'second' })
    await one.settle()
    assert.equal(done, durability === 'gated' ? [1] : [1, 2])
    await abandon(one)

    const two = await openBench({ store: disk, actuators })
    const again = await two.system.spawn(clerk, { id: 'clerk', durability, checkpoint: { transitions: 1 } })
    done.length = 0
    // Whoever sent them heard nothing, and sends both again.
    assert.ok(again.send({ type: 'order', n: 1 }, { id: 'first' }))
    assert.ok(again.send({ type: 'order', n: 2 }, { id: 'second' }))
    await two.settle()
    assert.equal([again.snapshot.context.orders, done], [[1, 2], [2]])
    assert.is(again.mailbox.repeated, 1)
    await two.close()
  })
}

test('an event that broke the agent is not stored as handled', async () => {
  const disk = memoryStore()
  const first = mortal(disk)
  const one = await openBench({ store: first.store, actuators: { arm: () => undefined }, supervision: { maxRestarts: 5 } })
  const agent = await one.system.spawn(clerk, { id: 'clerk', durability: 'gated', mailbox: { attempts: 3 } })
  agent.send({ type: 'order', n: 1 }, { id: 'first' })
  agent.send({ type: 'boom' }, { id: 'bad' })
  await one.clock.advance(1)
  first.kill()
  await abandon(one)
  const two = await openBench({ store: disk, actuators: { arm: () => undefined } })
  const again = await two.system.spawn(clerk, { id: 'clerk', durability: 'gated' })
  again.send({ type: 'order', n: 2 }, { id: 'bad' })
  await two.settle()
  assert.equal([again.snapshot.context.orders, again.mailbox.repeated], [[1, 2], 0])
  await two.close()
})

test('as many ids are stored as are remembered, and none where nothing has one', async () => {
  const disk = memoryStore()
  const sizes: number[] = []
  const bench = await openBench({
    store: disk,
    actuators: { arm: () => undefined },
    hooks: { onCheckpoint: (_agent, _rev, bytes) => void sizes.push(bytes) },
  })
  const machine = createMachine({ id: 'plain', context: {}, on: { go: { actions: assign({}) } } })
  const agent = await bench.system.spawn(machine, { id: 'x', durability: 'gated', mailbox: { dedup: 3 } })
  const plain = sizes.at(-1) as number
  for (let n = 0; n < 100; n++) agent.send({ type: 'go' }, { id: `number-${n}` })
  await bench.clock.advance(10)
  const kept = (sizes.at(-1) as number) - plain
  assert.ok(kept > 3 * 'number-00'.length && kept < 6 * 'number-00'.length, String(kept))
  await bench.close()
})

test.run()
