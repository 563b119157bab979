import type { TraceContext } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assign, createMachine, raise, sendTo } from 'xstate'
import { isCoreError, memoryStore, type Durability, type TimerPolicies } from '../src/index.ts'
import { openBench, traceOf, type Bench } from './support.ts'

const test = suite('timer policies')

/** Waits in `a` for 1000 ms, and counts how often the timer fired. */
const waiting = createMachine({
  id: 'waiting',
  types: {} as { context: { fired: number; noted: number } },
  context: { fired: 0, noted: 0 },
  entry: raise({ type: 'reminder' }, { delay: 1000, id: 'r' }),
  on: {
    note: { actions: assign({ noted: ({ context }) => context.noted + 1 }) },
    reminder: { actions: assign({ fired: ({ context }) => context.fired + 1 }) },
  },
})

/** Runs 400 ms, is stored at 300, sleeps for `sleepMs`; returns when it fired after the restore, and how often. */
async function interrupted(timers: TimerPolicies, durability: Durability, sleepMs: number): Promise<{ afterMs: number; times: number }> {
  const store = memoryStore()
  let wall = 1_000_000
  const open = async (): Promise<Bench> => openBench({ store, wallNow: () => wall })
  const one = await open()
  const before = await one.system.spawn(waiting, { id: 'x', durability, timers })
  await one.clock.advance(300)
  wall += 300
  before.send({ type: 'note' })
  await one.clock.advance(100)
  wall += 100
  await one.system.close()
  assert.is(before.snapshot.context.fired, 0)
  wall += sleepMs
  const two = await open()
  const after = await two.system.spawn(waiting, { id: 'x', durability, timers })
  let afterMs = 0
  await two.settle()
  while (after.snapshot.context.fired === 0 && afterMs < 5000) {
    await two.clock.advance(50)
    wall += 50
    afterMs += 50
  }
  await two.clock.advance(10_000)
  const times = after.snapshot.context.fired
  await two.close()
  return { afterMs, times }
}

for (const durability of ['checkpoint', 'gated'] as const) {
  test(`${durability}: restart waits the whole delay, remaining what was left, due until the hour it was due; once`, async () => {
    assert.equal(await interrupted('restart', durability, 200), { afterMs: 1000, times: 1 })
    // Closing stores the state once more, after 400 ms.
    assert.equal(await interrupted('remaining', durability, 200), { afterMs: 600, times: 1 })
    assert.equal(await interrupted('due', durability, 200), { afterMs: 400, times: 1 })
    assert.equal(await interrupted('due', durability, 60_000), { afterMs: 0, times: 1 }, 'overdue: at once, and once')
    assert.equal(await interrupted(({ id }) => (id === 'r' ? 'remaining' : 'restart'), durability, 60_000), { afterMs: 600, times: 1 })
  })
}

test('`due` needs a clock of the day', async () => {
  const bench = await openBench()
  for (const timers of ['due', () => 'due', 'sometimes'] as const) {
    const spawned = bench.system.spawn(waiting, { durability: 'checkpoint', timers: timers as TimerPolicies })
    const [result] = await Promise.allSettled([spawned])
    if (typeof timers === 'function') assert.is(result?.status, 'fulfilled', 'asked for each timer')
    else assert.ok(result?.status === 'rejected' && isCoreError(result.reason, 'BAD_OPTION'))
  }
  await bench.system.close().catch(() => undefined)
  await bench.grid.close()
})

test('a delay longer than Node can wait does not fire early', async () => {
  const bench = await openBench()
  const days = 24 * 60 * 60 * 1000
  const agent = await bench.system.spawn(createMachine({ initial: 'a', states: { a: { after: { [60 * days]: 'b' } }, b: {} } }))
  await bench.clock.advance(1)
  assert.ok(agent.snapshot.matches('a'))
  await bench.clock.advance(59 * days)
  assert.ok(agent.snapshot.matches('a'))
  await bench.clock.advance(days)
  assert.ok(agent.snapshot.matches('b'))
  await bench.close()
})

test('a timer restored and stored again before it fires is still there', async () => {
  const store = memoryStore()
  for (let life = 0; life < 4; life++) {
    const bench = await openBench({ store })
    const agent = await bench.system.spawn(waiting, { id: 'x', durability: 'gated', timers: 'remaining' })
    await bench.clock.advance(240)
    assert.is(agent.snapshot.context.fired, 0)
    await bench.close()
  }
  const bench = await openBench({ store })
  const agent = await bench.system.spawn(waiting, { id: 'x', durability: 'gated', timers: 'remaining' })
  await bench.clock.advance(50)
  assert.is(agent.snapshot.context.fired, 1)
  await bench.close()
})

test('a timer that fired and whose event broke the agent is armed again; a state stored in the middle of things keeps it', async () => {
  let broken = true
  const bench = await openBench({ store: memoryStore() })
  const machine = createMachine({
    initial: 'a',
    states: {
      a: {
        after: {
          100: {
            target: 'b',
            actions: () => {
              if (broken) throw new Error('boom')
            },
          },
        },
      },
      b: {},
    },
  })
  const agent = await bench.system.spawn(machine, { durability: 'checkpoint' })
  await bench.clock.advance(100)
  assert.is(agent.status, 'restarting')
  broken = false
  await bench.clock.advance(10)
  assert.ok(agent.snapshot.matches('a'))
  await bench.clock.advance(100)
  assert.ok(agent.snapshot.matches('b'))
  await bench.close()
})

test('a delayed send to itself is kept, cancelled ones are gone', async () => {
  const store = memoryStore()
  const machine = createMachine({
    id: 'm',
    types: {} as { context: { got: readonly string[] } },
    context: { got: [] },
    entry: [sendTo(({ self }) => self, { type: 'later' }, { delay: 100, id: 'l' }), raise({ type: 'never' }, { delay: 100, id: 'n' })],
    on: {
      '*': { actions: assign({ got: ({ context, event }) => [...context.got, event.type] }) },
    },
    initial: 'a',
    states: { a: { after: { 50: 'b' } }, b: { after: { 500: 'a' } } },
  })
  const one = await openBench({ store })
  await one.system.spawn(machine, { id: 'x', durability: 'gated' })
  await one.close()
  const two = await openBench({ store })
  const agent = await two.system.spawn(machine, { id: 'x', durability: 'gated' })
  await two.clock.advance(100)
  assert.equal(agent.snapshot.context.got, ['agent.restored', 'later', 'never'])
  assert.ok(agent.snapshot.matches('b'))
  await two.close()
})

test('what a timer does is caused by the event that armed it, not by the last one; also after a restore', async () => {
  const store = memoryStore()
  const machine = createMachine({
    id: 'm',
    types: {} as { events: { type: 'arm' } | { type: 'other' } },
    initial: 'a',
    states: { a: { on: { arm: 'b' } }, b: { on: { other: {} }, after: { 100: 'c' } }, c: {} },
  })
  const seen: [string, TraceContext | undefined][] = []
  const hooks = {
    onTransitionStart: ({ event, trace }: { event: string; trace: TraceContext | undefined }) => void seen.push([event, trace]),
  }
  const one = await openBench({ store, hooks })
  const agent = await one.system.spawn(machine, { id: 'x', durability: 'checkpoint' })
  agent.send({ type: 'arm' }, { trace: traceOf(1) })
  agent.send({ type: 'other' }, { trace: traceOf(2) })
  await one.clock.advance(100)
  assert.equal(seen.at(-1), ['xstate.after.100.m.b', traceOf(1)])
  await one.close()
  const two = await openBench({ store: memoryStore(), hooks })
  const again = await two.system.spawn(machine, { id: 'x', durability: 'checkpoint' })
  again.send({ type: 'arm' }, { trace: traceOf(3) })
  await two.settle()
  await again.stop()
  await two.close()
})

test.run()
