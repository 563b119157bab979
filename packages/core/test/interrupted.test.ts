import { createMemoryStore } from '@stigmergy/grid/store'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assign, createMachine, fromCallback, fromPromise, setup } from 'xstate'
import { isCoreError, memoryStore, type CoreHooks, type Retryable } from '../src/index.ts'
import { openBench } from './support.ts'

const test = suite('interrupted')

function paying(log: string[]) {
  const pay = fromPromise<string, string>(({ input }) => {
    log.push(`pays ${input}`)
    return new Promise(() => undefined)
  })
  const tick = fromCallback(() => void log.push('ticks'))
  const child = setup({ actors: { pay } }).createMachine({
    initial: 'paying',
    states: { paying: { invoke: { id: 'inner', src: 'pay', input: 'b', onError: 'asking' } }, asking: {} },
  })
  return setup({
    types: { context: {} as { error: unknown } },
    actors: { pay, tick, child },
  }).createMachine({
    id: 'paying',
    context: { error: undefined },
    initial: 'paying',
    invoke: [
      { id: 'child', src: 'child' },
      { id: 'tick', src: 'tick' },
    ],
    states: {
      paying: {
        invoke: {
          id: 'outer',
          src: 'pay',
          input: 'a',
          onError: { target: 'asking', actions: assign({ error: ({ event }) => event.error }) },
        },
      },
      asking: {},
    },
  })
}

test('a promise that was running is not run a second time: the machine is told by onError, a child machine too', async () => {
  for (const durability of ['checkpoint', 'gated'] as const) {
    for (const retryable of [undefined, ['pay'], ['outer', 'inner'], 'all'] as readonly (Retryable | undefined)[]) {
      const store = memoryStore()
      const log: string[] = []
      const machine = paying(log)
      const one = await openBench({ store })
      await one.system.spawn(machine, { id: 'x', durability })
      await one.settle()
      assert.equal(log.splice(0).sort(), ['pays a', 'pays b', 'ticks'])
      await one.close()
      const two = await openBench({ store })
      const agent = await two.system.spawn(machine, { id: 'x', durability, ...(retryable && { retryable }) })
      await two.settle()
      const child = agent.snapshot.children['child']?.getSnapshot() as { readonly value: unknown }
      if (retryable === undefined) {
        assert.equal(log, ['ticks'])
        assert.ok(agent.snapshot.matches('asking'))
        assert.ok(isCoreError(agent.snapshot.context.error, 'INTERRUPTED'))
        assert.match(String(agent.snapshot.context.error), /the promise "outer" \(pay\) of agent "x" was running/)
        assert.is(child.value, 'asking')
      } else {
        assert.equal(log.sort(), ['pays a', 'pays b', 'ticks'])
        assert.ok(agent.snapshot.matches('paying'))
      }
      await two.close()
    }
  }
})

/** Pays without `onError`; `onError` at most throws. */
function careless(log: string[], onError?: (_: { event: { error: unknown } }) => void) {
  const pay = fromPromise<string>(() => {
    log.push('pays')
    return new Promise(() => undefined)
  })
  const boom = () => {
    throw new Error('boom')
  }
  return setup({ types: { context: {} as { n: number } }, actors: { pay } }).createMachine({
    id: 'careless',
    context: { n: 0 },
    initial: 'paying',
    states: { paying: { invoke: { src: 'pay', id: 'pay', onDone: 'paid', ...(onError && { onError: { actions: onError } }) } }, paid: {} },
    on: { up: { actions: assign({ n: ({ context }) => context.n + 1 }) }, boom: { actions: boom } },
  })
}

test('without onError the agent keeps its state, the promise is not run again, and a dead letter says so, once', async () => {
  for (const durability of ['checkpoint', 'gated'] as const) {
    for (const how of ['crash', 'process'] as const) {
      const [store, log, letters]: [ReturnType<typeof memoryStore>, string[], string[]] = [memoryStore(), [], []]
      const hooks: CoreHooks = { onDeadLetter: ({ event, reason }) => void letters.push(`${event.type} ${reason}`) }
      let bench = await openBench({ store, hooks })
      let agent = await bench.system.spawn(careless(log), { id: 'x', durability })
      for (let round = 1; round <= 3; round++) {
        agent.send({ type: 'up' })
        await bench.settle()
        if (how === 'crash') agent.send({ type: 'boom' })
        else {
          await bench.close()
          bench = await openBench({ store, hooks })
          agent = await bench.system.spawn(careless(log), { id: 'x', durability })
        }
        await bench.clock.advance(2000)
        assert.equal([agent.status, agent.snapshot.value, agent.snapshot.context.n, log], ['running', 'paying', round, ['pays']], how)
      }
      assert.equal(
        letters.filter((letter) => letter.endsWith('interrupted')),
        ['xstate.error.actor.pay interrupted'],
      )
      await bench.close()
    }
  }
})

test('an onError that throws what it was told leads to no older state', async () => {
  const [store, log]: [ReturnType<typeof createMemoryStore>, string[]] = [createMemoryStore(), []]
  const machine = careless(log, ({ event }) => {
    throw event.error
  })
  const from: string[] = []
  const bench = await openBench({
    store,
    supervision: { maxRestarts: 3, withinMs: 60_000 },
    hooks: { onRestart: (_, _n, origin) => void from.push(origin) },
  })
  const agent = await bench.system.spawn(machine, { id: 'x', durability: 'checkpoint' })
  agent.send({ type: 'up' })
  await bench.settle()
  agent.send({ type: 'boom' })
  await bench.clock.advance(60_000)
  assert.equal([agent.status, agent.snapshot.context.n, log], ['running', 1, ['pays']])
  assert.equal(from, ['checkpoint', 'checkpoint'])
  await bench.close()
})

test('a child without onError: the machine above that takes its failure is told', async () => {
  for (const taken of [true, false]) {
    const [store, log]: [ReturnType<typeof memoryStore>, string[]] = [memoryStore(), []]
    const machine = setup({ actors: { child: careless(log) } }).createMachine({
      id: 'above',
      initial: 'waiting',
      states: { waiting: { invoke: { id: 'child', src: 'child', ...(taken && { onError: 'asking' }) } }, asking: {} },
    })
    const one = await openBench({ store })
    await one.system.spawn(machine, { id: 'x', durability: 'checkpoint' })
    await one.settle()
    await one.close()
    const two = await openBench({ store })
    const agent = await two.system.spawn(machine, { id: 'x', durability: 'checkpoint' })
    await two.settle()
    assert.equal([agent.status, agent.snapshot.value, log], ['running', taken ? 'asking' : 'waiting', ['pays']])
    assert.is(two.system.deadLetters.recent.length, taken ? 0 : 1)
    await two.close()
  }
})

test('the ladder: the last state, the one before, a new beginning; then it is given up and told', async () => {
  const store = createMemoryStore()
  const starts: unknown[] = []
  let bad: (value: unknown) => boolean = () => false
  const machine = createMachine({
    id: 'm',
    types: {} as { context: { n: number } },
    context: { n: 0 },
    on: {
      up: { actions: assign({ n: ({ context }) => context.n + 1 }) },
      boom: {
        actions: () => {
          throw new Error('boom')
        },
      },
      'agent.restored': {
        actions: ({ context }) => {
          starts.push(context.n)
          if (bad(context.n)) throw new Error('cannot go on from here')
        },
      },
    },
  })
  const told: string[] = []
  const bench = await openBench({ store, hooks: { onRestart: (_, n, from) => void told.push(`${n} ${from}`) } })
  const agent = await bench.system.spawn(machine, { id: 'x', durability: 'checkpoint' })
  for (let i = 0; i < 3; i++) {
    agent.send({ type: 'up' })
    await bench.settle()
  }
  bad = (n) => n === 3
  agent.send({ type: 'boom' })
  await bench.clock.advance(1000)
  assert.equal(starts, [3, 2])
  assert.equal(told, ['1 checkpoint', '2 checkpoint'])
  assert.is(agent.status, 'running')
  assert.is(agent.snapshot.context.n, 2)

  bad = (n) => n !== 0
  starts.length = 0
  agent.send({ type: 'boom' })
  await bench.clock.advance(1000)
  assert.is(starts.length, 3)
  assert.is(starts.at(-1), 0, 'from the beginning')
  assert.is(agent.status, 'running')

  bad = () => true
  agent.send({ type: 'boom' })
  await bench.clock.advance(60_000)
  assert.is(agent.status, 'failed')
  await bench.close()
})

test('a checkpoint is written after so many transitions, or so much time', async () => {
  const revs: number[] = []
  const bench = await openBench({ store: memoryStore(), hooks: { onCheckpoint: (_, rev) => void revs.push(rev) } })
  const machine = createMachine({
    types: {} as { context: { n: number } },
    context: { n: 0 },
    on: { up: { actions: assign({ n: ({ context }) => context.n + 1 }) } },
  })
  const agent = await bench.system.spawn(machine, { durability: 'checkpoint', checkpoint: { transitions: 10, ms: 50 } })
  assert.equal(revs, [1])
  for (let i = 0; i < 9; i++) {
    agent.send({ type: 'up' })
    await bench.settle()
  }
  assert.equal(revs, [1])
  agent.send({ type: 'up' })
  await bench.settle()
  assert.equal(revs, [1, 2])
  agent.send({ type: 'up' })
  await bench.clock.advance(49)
  assert.equal(revs, [1, 2])
  await bench.clock.advance(1)
  assert.equal(revs, [1, 2, 3])
  agent.send({ type: 'up' })
  await bench.settle()
  await bench.close()
  assert.equal(revs, [1, 2, 3, 4], 'and when it ends')
  assert.is(bench.clock.pending, 0)
})

test('the only sign of it stays a dead letter when all are sent again', async () => {
  const store = memoryStore()
  const pay = fromPromise(() => new Promise(() => undefined))
  const machine = setup({ actors: { pay } }).createMachine({ id: 'm', invoke: { id: 'pay', src: 'pay' }, on: { x: {} } })
  const first = await openBench({ store })
  await first.system.spawn(machine, { id: 'a', durability: 'checkpoint' })
  await first.close()
  const { system, clock, close } = await openBench({ store })
  await system.spawn(machine, { id: 'a', durability: 'checkpoint' })
  await clock.advance(5)
  system.send('a', 5 as never)
  system.send('nobody', { type: 'x' })
  const { deadLetters } = system
  const told = (): readonly string[] => deadLetters.list().map(({ seq, reason }) => `${seq} ${reason}`)
  assert.equal(told(), ['1 interrupted', '2 bad-event', '3 unknown-agent'])
  assert.is(deadLetters.replay({}, { to: 'a' }), 1)
  assert.equal(told(), ['1 interrupted', '2 bad-event'])
  assert.is(deadLetters.replay(), 0)
  const [letter] = deadLetters.list({ reason: 'interrupted' })
  assert.ok(isCoreError((letter?.event as { readonly error?: unknown } | undefined)?.error, 'INTERRUPTED'))
  assert.is(deadLetters.purge(), 2)
  await close()
})

test.run()
