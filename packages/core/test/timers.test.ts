import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { cancel, createMachine, raise } from 'xstate'
import { memoryStore } from '../src/index.ts'
import { openBench, type Bench } from './support.ts'

const test = suite('timers')

const boom = {
  actions: (): never => {
    throw new Error('boom')
  },
}

test('`after` runs on the clock of the system', async () => {
  const bench = await openBench()
  const machine = createMachine({ initial: 'a', states: { a: { after: { 100: 'b' } }, b: {} } })
  const agent = await bench.system.spawn(machine)
  await bench.clock.advance(99)
  assert.ok(agent.snapshot.matches('a'))
  await bench.clock.advance(1)
  assert.ok(agent.snapshot.matches('b'))
  await bench.close()
})

const waiting = createMachine(
  {
    types: {} as { context: { pauseMs: number }; events: { type: 'boom' } | { type: 'reminder' } | { type: 'stay' } },
    context: { pauseMs: 300 },
    initial: 'a',
    states: {
      a: { entry: raise({ type: 'reminder' }, { delay: 1000, id: 'r' }), after: { 100: 'b' } },
      b: { initial: 'x', after: { named: 'c' }, states: { x: { after: { 50: 'y' } }, y: {} } },
      c: { after: { computed: 'd' }, on: { stay: { actions: cancel('r') } } },
      d: {},
    },
    on: { boom, reminder: '.d' },
  },
  { delays: { named: 200, computed: ({ context }) => context.pauseMs } },
)

test('a restored agent waits anew, with the whole delay of every timer it had', async () => {
  const bench = await openBench({ supervision: { maxRestarts: 100, backoff: { minMs: 10, factor: 1 } } })
  const agent = await bench.system.spawn(waiting, { durability: 'checkpoint' })
  const step = async (ms: number, value: unknown): Promise<void> => {
    await bench.clock.advance(ms)
    assert.equal(agent.snapshot.value, value)
  }
  const crash = async (): Promise<void> => {
    agent.send({ type: 'boom' })
    await bench.clock.advance(10)
    assert.is(agent.status, 'running')
  }
  await step(90, 'a')
  await crash()
  await step(99, 'a')
  await step(1, { b: 'x' })
  await step(49, { b: 'x' })
  await crash()
  await step(49, { b: 'x' })
  await step(1, { b: 'y' })
  await step(149, { b: 'y' })
  await crash()
  await step(199, { b: 'y' })
  await step(1, 'c')
  await crash()
  await step(299, 'c')
  await step(1, 'd')
  assert.is(bench.clock.pending, 1, 'the reminder')
  await bench.close()
  assert.is(bench.clock.pending, 0)
})

test('a delayed event to itself is kept, and can still be cancelled', async () => {
  const store = memoryStore()
  for (const cancelled of [false, true]) {
    const id = `x ${cancelled}`
    const first = await openBench({ store })
    const before = await first.system.spawn(waiting, { id, durability: 'checkpoint' })
    await first.clock.advance(300)
    assert.ok(before.snapshot.matches('c'))
    await first.close()

    const second = await openBench({ store })
    const after = await second.system.spawn(waiting, { id, durability: 'checkpoint' })
    if (cancelled) after.send({ type: 'stay' })
    await second.settle()
    assert.is(second.clock.pending, cancelled ? 1 : 2)
    await second.close()
  }
})

test('a timer is kept though the snapshot is the same, and though the process is gone without a word', async () => {
  const machine = createMachine({
    types: {} as { events: { type: 'set' } | { type: 'unset' } | { type: 'one' } | { type: 'two' } },
    entry: raise({ type: 'one' }, { delay: 1000 }),
    on: { set: { actions: raise({ type: 'two' }, { delay: 1000, id: 'two' }) }, unset: { actions: cancel('two') } },
  })
  const store = memoryStore()
  const waits: number[] = []
  const benches: Bench[] = []
  for (const event of [undefined, 'set', 'unset', 'set'] as const) {
    const bench = await openBench({ store })
    benches.push(bench)
    const agent = await bench.system.spawn(machine, { id: 'x', durability: 'checkpoint' })
    await bench.settle()
    waits.push(bench.clock.pending)
    if (event !== undefined) agent.send({ type: event })
    await bench.settle()
  }
  assert.equal(waits, [1, 1, 2, 1])
  for (const bench of benches) await bench.close().catch(() => undefined)
})

test('a timer whose transition throws waits again after the restart', async () => {
  let throws = 2
  const bench = await openBench()
  const action = (): void => {
    if (throws-- > 0) throw new Error('boom')
  }
  const machine = createMachine({ initial: 'a', states: { a: { after: { 100: { target: 'b', actions: action } } }, b: {} } })
  const agent = await bench.system.spawn(machine, { durability: 'checkpoint' })
  await bench.clock.advance(1000)
  assert.equal([agent.snapshot.value, agent.restarts], ['b', 2])
  assert.is(bench.system.deadLetters.count, 0)
  await bench.close()
})

test.run()
