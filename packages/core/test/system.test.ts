import { openGrid, createVirtualClock } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createMachine, fromCallback, type AnyStateMachine } from 'xstate'
import { createSystem, isCoreError, memoryStore, type CoreErrorCode, type Store } from '../src/index.ts'
import { createDeadLetters } from '../src/mailbox/dead-letters.ts'
import { add, counter, openBench, recorder } from './support.ts'

const test = suite('system')

async function rejects(promise: Promise<unknown>, code: CoreErrorCode, message: RegExp): Promise<void> {
  const [result] = await Promise.allSettled([promise])
  const error: unknown = result?.status === 'rejected' ? result.reason : undefined
  assert.ok(isCoreError(error, code), String(error))
  assert.match((error as Error).message, message)
}

test('an id can be used once at a time', async () => {
  const bench = await openBench()
  const both = bench.system.spawn(counter, { id: 'c' })
  await rejects(bench.system.spawn(counter, { id: 'c' }), 'AGENT_EXISTS', /an agent "c" runs in this system/)
  const first = await both
  assert.is(bench.system.agent('c')?.id, 'c')
  await first.stop()
  assert.is(bench.system.agent('c'), undefined)
  const second = await bench.system.spawn(counter, { id: 'c' })
  assert.equal([first.status, second.status], ['stopped', 'running'])
  await bench.close()
})

test('an id made up is one that is free', async () => {
  const bench = await openBench()
  await bench.system.spawn(counter, { id: 'counter-1' })
  assert.is((await bench.system.spawn(counter)).id, 'counter-2')
  await bench.close()
})

test('what is no machine, and options that cannot be, are refused', async () => {
  const bench = await openBench()
  for (const given of [undefined, {}, () => 1, counter.config, fromCallback(() => undefined)]) {
    await rejects(bench.system.spawn(given as never), 'BAD_MACHINE', /is no XState v5 state machine/)
  }
  await rejects(
    bench.system.spawn(counter, { durability: 'always' as never }),
    'BAD_OPTION',
    /durability is "always": give one of 'none', 'checkpoint', 'gated'/,
  )
  await rejects(bench.system.spawn(counter, { id: '' }), 'BAD_OPTION', /id is "": give a non-empty string/)
  await rejects(bench.system.spawn(counter, { type: 7 as never }), 'BAD_OPTION', /type is 7/)
  await rejects(bench.system.spawn(counter, { mailbox: { capacity: 0 } }), 'BAD_OPTION', /mailbox\.capacity is 0/)
  assert.throws(
    () => createSystem({ grid: {} as never }),
    (error: Error) => isCoreError(error, 'BAD_OPTION') && /grid is an object/.test(error.message),
  )
  assert.throws(
    () => createSystem({ grid: bench.grid, deadLetters: -1 }),
    (error: Error) => isCoreError(error, 'BAD_OPTION'),
  )
  assert.equal(bench.system.agents, [])
  await bench.close()
})

test('a message to nobody is a dead letter', async () => {
  const hooks = recorder()
  const bench = await openBench({ hooks })
  await bench.clock.advance(7)
  assert.is(bench.system.send('nobody', { type: 'hello' }), false)
  assert.equal(bench.system.deadLetters.recent, [
    { seq: 1, agentId: 'nobody', event: { type: 'hello' }, reason: 'unknown-agent', atMs: 7, trace: undefined, id: undefined },
  ])
  assert.equal(hooks.log, ['dead hello unknown-agent'])
  const agent = await bench.system.spawn(counter, { id: 'c' })
  assert.is(bench.system.send('c', add(1)), true)
  await bench.settle()
  assert.is(agent.snapshot.context.sum, 1)
  await bench.close()
})

test('dead letters are bounded, the newest are kept, the rest is counted (I6)', () => {
  const box = createDeadLetters(3, () => false)
  const types = (): string[] => box.recent.map((letter) => letter.event.type)
  for (let i = 1; i <= 8; i++) {
    box.add({ agentId: 'a', event: { type: String(i) }, reason: 'stopped', atMs: i, trace: undefined, id: undefined })
    assert.equal(types(), [1, 2, 3, 4, 5, 6, 7, 8].slice(Math.max(0, i - 3), i).map(String))
  }
  assert.equal([box.count, box.dropped], [8, 5])
  const none = createDeadLetters(0, () => false)
  none.add({ agentId: 'a', event: { type: 'x' }, reason: 'stopped', atMs: 0, trace: undefined, id: undefined })
  assert.equal([none.recent.length, none.count, none.dropped], [0, 1, 1])
})

test('stop: what waits becomes dead letters, then nothing is accepted', async () => {
  const hooks = recorder()
  const bench = await openBench({ hooks })
  const agent = await bench.system.spawn(counter, { id: 'c' })
  agent.send(add(1))
  const stopped = agent.stop()
  assert.is(agent.send(add(2)), false)
  assert.is(agent.status, 'stopped')
  await stopped
  await agent.stop()
  assert.equal(hooks.log, ['spawn c', 'dead add stopped', 'add: {} -> {}', 'stop c stopped'])
  assert.is(agent.snapshot.context.sum, 1)
  await bench.close()
})

test('an agent may stop itself, or the system, in the middle of a step', async () => {
  for (const whole of [false, true]) {
    const hooks = recorder()
    const bench = await openBench({ hooks })
    const machine = createMachine({
      types: {} as { events: { type: 'end' } },
      initial: 'a',
      states: {
        a: { on: { end: { target: 'b', actions: () => void (whole ? bench.system.close() : bench.system.agent('x')?.stop()) } } },
        b: {},
      },
    })
    const agent = await bench.system.spawn(machine, { id: 'x' })
    agent.send({ type: 'end' })
    await bench.settle()
    assert.equal(hooks.log, ['spawn x', 'end: a -> b', 'stop x stopped'])
    assert.ok(agent.snapshot.matches('b'))
    await bench.close()
  }
})

test('a final state ends the agent', async () => {
  const hooks = recorder()
  const bench = await openBench({ hooks })
  const machine = createMachine({
    types: {} as { events: { type: 'end' } },
    initial: 'a',
    states: { a: { on: { end: 'z' } }, z: { type: 'final' } },
    output: 5,
  })
  const agent = await bench.system.spawn(machine, { id: 'x' })
  agent.send({ type: 'end' })
  agent.send({ type: 'end' })
  await bench.settle()
  assert.equal(hooks.log, ['spawn x', 'end: a -> z', 'dead end stopped', 'stop x done'])
  assert.equal([agent.status, agent.snapshot.output], ['done', 5])

  const short = await bench.system.spawn(createMachine({ initial: 'z', states: { z: { type: 'final' } } }), { id: 'y' })
  assert.is(short.status, 'done')
  assert.equal(bench.system.agents, [])
  await bench.close()
})

test('close stops the agents in reverse order and leaves nothing pending', async () => {
  const hooks = recorder()
  const bench = await openBench({ hooks })
  let children = 0
  const parts = bench.grid.map<number>('parts')
  const machine = createMachine({
    types: {} as { events: { type: 'boom' } },
    invoke: {
      src: fromCallback(() => {
        children += 1
        return () => {
          children -= 1
        }
      }),
    },
    initial: 'a',
    states: { a: { after: { 1000: 'b' } }, b: {} },
    on: {
      boom: {
        actions: () => {
          throw new Error('boom')
        },
      },
    },
  })
  for (const id of ['a', 'b', 'c']) await bench.system.spawn(machine as AnyStateMachine, { id, watch: { parts }, durability: 'checkpoint' })
  const asked = Promise.allSettled([
    bench.system.agent('a')?.ask(() => ({ type: 'unknown' }) as never),
    bench.system.agent('a')?.until(() => false),
  ])
  await bench.settle()
  bench.system.send('b', { type: 'boom' })
  await bench.settle()
  hooks.log.length = 0
  await bench.system.close()
  assert.equal(hooks.log, ['stop c stopped', 'stop b stopped', 'stop a stopped'])
  for (const result of await asked) assert.ok(result.status === 'rejected' && isCoreError(result.reason, 'AGENT_STOPPED'))
  assert.is(bench.clock.pending, 0)
  assert.is(children, 0)
  await parts.put('p', 1)
  await bench.settle()
  await rejects(bench.system.spawn(counter), 'CLOSED', /closed/)
  assert.is(bench.system.send('a', { type: 'x' }), false)
  await bench.system.close()
  await bench.close()
})

test('close ends at its deadline when the store does not answer, and says whose state is not written (I8)', async () => {
  const inner = memoryStore()
  let hang = false
  const store: Store = { ...inner, commit: (...args) => (hang ? new Promise(() => undefined) : inner.commit(...args)) }
  const clock = createVirtualClock()
  const grid = await openGrid({ clock })
  const system = createSystem({ grid, store })
  await system.spawn(counter, { id: 'quick' })
  const agent = await system.spawn(counter, { id: 'slow', durability: 'checkpoint' })
  hang = true
  agent.send(add(1))
  await clock.advance(0)
  const closed = rejects(system.close({ timeoutMs: 300 }), 'CLOSE_TIMEOUT', /no checkpoint within 300 ms of "slow"/)
  await clock.advance(300)
  await closed
  assert.is(agent.status, 'stopped')
  assert.is(clock.pending, 0)
  await grid.close()
})

test('close ends a spawn that is under way', async () => {
  const bench = await openBench()
  const spawning = rejects(
    bench.system.spawn(counter, { id: 'c', durability: 'checkpoint' }),
    'AGENT_STOPPED',
    /"c" was stopped before it had started/,
  )
  await bench.system.close()
  await spawning
  await bench.close()
})

test('await using closes the system', async () => {
  const bench = await openBench()
  const agent = await bench.system.spawn(counter)
  await bench.system[Symbol.asyncDispose]()
  assert.is(agent.status, 'stopped')
  await bench.close()
})

test('hooks can be added and removed', async () => {
  const bench = await openBench()
  const one = recorder()
  const off = bench.system.use(one)
  await bench.system.spawn(counter, { id: 'a' })
  off()
  await bench.system.spawn(counter, { id: 'b' })
  assert.equal(one.log, ['spawn a'])
  await bench.close()
})

test.run()
