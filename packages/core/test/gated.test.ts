import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assign, createMachine, emit, fromCallback, fromPromise, sendParent, sendTo, setup } from 'xstate'
import { command, isCoreError, memoryStore, put, send, type CommandInfo, type Store } from '../src/index.ts'
import { slowStore } from './slow-store.ts'
import { openBench, traceOf } from './support.ts'

const test = suite('gated')

test('refused where no store outlives the system', async () => {
  const bench = await openBench()
  const machine = createMachine({})
  await bench.system.spawn(machine, { id: 'x', durability: 'gated' }).then(
    () => assert.unreachable('it should be refused'),
    (error: unknown) => {
      assert.ok(isCoreError(error, 'STORE_MISSING'))
      assert.match((error as Error).message, /agent "x" is gated, and the system has no store: createSystem\(\{ store \}\)/)
    },
  )
  await bench.close()
})

test('nothing leaves before the commit: actions, sends, writes, commands, promises, callbacks, timers, emitted events', async () => {
  const store = slowStore()
  const log: string[] = []
  const commands: [unknown, CommandInfo][] = []
  const bench = await openBench({ store, actuators: { arm: (payload, info) => void commands.push([payload, info]) } })
  const notes = bench.grid.map<number>('notes')
  const machine = setup({
    types: { context: {} as { n: number }, events: {} as { type: 'go' } | { type: 'tick' } | { type: 'late' } },
    actors: {
      job: fromPromise(async () => void log.push('promise')),
      device: fromCallback(({ receive }) => {
        log.push('callback')
        receive((event) => log.push(`callback has ${event.type}`))
        return () => log.push('callback ends')
      }),
    },
  }).createMachine({
    context: { n: 0 },
    initial: 'a',
    states: {
      a: { on: { go: 'b' } },
      b: {
        entry: [
          () => log.push('action'),
          emit({ type: 'shown' }),
          send('other', ({ context }) => ({ type: 'note', n: context.n })),
          put(notes, 'k', ({ context }) => context.n),
          command('arm', ({ event }) => event.type),
          sendTo('device', { type: 'poke' }),
        ],
        invoke: [
          { id: 'job', src: 'job' },
          { id: 'device', src: 'device' },
        ],
        after: { 100: 'c' },
        on: { tick: { actions: assign({ n: ({ context }) => context.n + 1 }) } },
      },
      c: { entry: () => log.push('timer') },
    },
  })
  const other = createMachine({ on: { note: { actions: () => log.push('sent') } } })
  await bench.system.spawn(other, { id: 'other' })
  const agent = await bench.system.spawn(machine, { id: 'x', durability: 'gated' })
  agent.on('shown', () => log.push('emitted'))
  store.hold()
  agent.send({ type: 'go' }, { trace: traceOf(5) })
  await bench.settle()
  assert.is(store.waiting, 1)
  agent.send({ type: 'tick' })
  await bench.settle()
  assert.is(agent.snapshot.context.n, 1, 'transitions go on in memory')
  await bench.clock.advance(500)
  assert.equal(log, [])
  assert.is(notes.peek('k'), undefined)
  assert.equal(commands, [])
  store.let()
  await bench.settle()
  assert.equal(log, ['action', 'emitted', 'promise', 'callback', 'callback has poke', 'sent'])
  assert.is(notes.peek('k')?.value, 0)
  assert.equal(notes.peek('k')?.trace, traceOf(5), 'on behalf of the event that caused it')
  assert.equal(commands, [['go', { origin: { agent: 'x', fence: 1, born: 1, seq: 3, fromBorn: 1, from: 3 }, trace: traceOf(5) }]])
  store.flow()
  await bench.clock.advance(0)
  await bench.settle()
  assert.ok(agent.snapshot.matches('c'), 'the time of the timer was over when it was let go')
  assert.equal(log.slice(6), ['timer', 'callback ends'])
  await bench.close()
})

test('sends between an agent and its machines pass at once; what those want outside waits', async () => {
  const store = slowStore()
  const log: string[] = []
  const bench = await openBench({ store })
  const leaf = setup({ actors: { job: fromPromise(async () => void log.push('promise')) } }).createMachine({
    initial: 'a',
    states: {
      a: { on: { work: { target: 'b', actions: [() => log.push('leaf acts'), send('other', { type: 'note' })] } } },
      b: { invoke: { src: 'job' }, entry: sendParent({ type: 'leaf works' }), after: { 50: 'c' } },
      c: { entry: sendParent({ type: 'leaf is late' }) },
    },
  })
  const middle = setup({ actors: { leaf } }).createMachine({
    invoke: { id: 'leaf', src: 'leaf' },
    entry: () => log.push('middle enters'),
    on: { '*': { actions: sendParent(({ event }) => event) }, work: { actions: sendTo('leaf', { type: 'work' }) } },
  })
  const machine = createMachine({
    types: {} as { context: { heard: readonly string[] } },
    context: { heard: [] },
    // Given in place, not by name: reached as well.
    invoke: { id: 'middle', src: middle },
    on: {
      go: { actions: sendTo('middle', { type: 'work' }) },
      '*': { actions: assign({ heard: ({ context, event }) => [...context.heard, event.type] }) },
    },
  })
  await bench.system.spawn(createMachine({ on: { note: { actions: () => log.push('sent') } } }), { id: 'other' })
  const agent = await bench.system.spawn(machine, { id: 'x', durability: 'gated' })
  assert.equal(log.splice(0), ['middle enters'])
  store.hold()
  agent.send({ type: 'go' })
  await bench.clock.advance(40)
  assert.equal(agent.snapshot.context.heard, ['leaf works'])
  assert.equal(log, [])
  store.flow()
  await bench.settle()
  assert.equal(log, ['leaf acts', 'promise', 'sent'])
  await bench.clock.advance(10)
  assert.equal(agent.snapshot.context.heard, ['leaf works', 'leaf is late'])
  await bench.close()
})

test('so many transitions wait for one commit, and so many commits are under way; then the mailbox holds', async () => {
  const store = slowStore()
  const bench = await openBench({ store })
  const machine = createMachine({
    types: {} as { context: { n: number } },
    context: { n: 0 },
    on: { up: { actions: assign({ n: ({ context }) => context.n + 1 }) } },
  })
  const agent = await bench.system.spawn(machine, { durability: 'gated', gate: { maxTransitions: 10, maxCommits: 3 } })
  store.hold()
  for (let i = 0; i < 70; i++) agent.send({ type: 'up' })
  await bench.settle()
  assert.is(store.waiting, 3)
  assert.is(agent.snapshot.context.n, 40, 'three times ten under way to the store, ten more')
  store.let()
  await bench.settle()
  assert.is(store.waiting, 3)
  assert.is(agent.snapshot.context.n, 50)
  store.flow()
  await bench.settle()
  assert.is(agent.snapshot.context.n, 70)
  await bench.close()
})

test('a refused fence ends it: nothing leaves, and it is not restarted', async () => {
  const inner = memoryStore()
  const store = slowStore(inner)
  const log: string[] = []
  const bench = await openBench({ store })
  const device = fromCallback(() => {
    log.push('begins')
    return () => log.push('ends')
  })
  const machine = setup({ actors: { device } }).createMachine({
    invoke: { src: 'device' },
    on: { go: { actions: [() => log.push('acts'), send('other', { type: 'note' })] } },
  })
  const agent = await bench.system.spawn(machine, { id: 'x', durability: 'gated' })
  await bench.settle()
  store.hold()
  agent.send({ type: 'go' })
  await bench.settle()
  await inner.commit('x', (await inner.get('x'))?.rev ?? 0, { owner: 'elsewhere', token: 9 }, new Uint8Array(1))
  store.flow()
  await bench.clock.advance(60_000)
  assert.is(agent.status, 'failed')
  assert.equal(log, ['begins', 'ends'])
  assert.is(bench.system.deadLetters.count, 0)
  assert.is(bench.clock.pending, 0)
  await bench.close()
})

test('a state that cannot be stored lets nothing out: the agent goes back to the last one that was', async () => {
  const log: string[] = []
  const bench = await openBench({ store: memoryStore() })
  const machine = createMachine({
    types: {} as { context: { held: unknown } },
    context: { held: undefined },
    on: {
      bad: { actions: [assign({ held: () => Symbol('no') }), () => log.push('bad leaves')] },
      good: { actions: () => log.push('good leaves') },
    },
  })
  const agent = await bench.system.spawn(machine, { durability: 'gated' })
  agent.send({ type: 'good' })
  await bench.settle()
  agent.send({ type: 'bad' })
  await bench.clock.advance(100)
  assert.is(agent.status, 'running')
  assert.is(agent.restarts, 1)
  assert.is(agent.snapshot.context.held, undefined)
  agent.send({ type: 'good' })
  await bench.settle()
  assert.equal(log, ['good leaves', 'good leaves'])
  await bench.close()
})

test('an action that throws after its commit fails the agent, which goes on from the committed state', async () => {
  const bench = await openBench({ store: memoryStore() })
  const machine = createMachine({
    initial: 'a',
    states: {
      a: { on: { go: 'b' } },
      b: {
        entry: () => {
          throw new Error('boom')
        },
      },
    },
  })
  const agent = await bench.system.spawn(machine, { durability: 'gated' })
  agent.send({ type: 'go' })
  await bench.clock.advance(100)
  assert.is(agent.restarts, 1)
  assert.is(agent.status, 'running')
  assert.ok(agent.snapshot.matches('b'))
  await bench.close()
})

test('a commit whose answer was lost is not written twice, nor taken for another writer', async () => {
  const inner = memoryStore()
  let broken = false
  const store: Store = {
    ...inner,
    async commit(...args) {
      const rev = await inner.commit(...args)
      if (broken) throw new Error('connection lost')
      return rev
    },
  }
  const log: string[] = []
  const bench = await openBench({ store })
  const agent = await bench.system.spawn(createMachine({ on: { go: { actions: () => log.push('acts') } } }), { durability: 'gated' })
  broken = true
  agent.send({ type: 'go' })
  await bench.settle()
  assert.equal(log, [])
  broken = false
  await bench.clock.advance(1000)
  assert.equal(log, ['acts'])
  assert.is(agent.status, 'running')
  await bench.close()
})

test('with `degrade` effects leave after a while without a store, and are gated again when it is back', async () => {
  const inner = memoryStore()
  let broken = false
  const store: Store = { ...inner, commit: (...args) => (broken ? Promise.reject(new Error('disk full')) : inner.commit(...args)) }
  for (const whenStoreGone of ['hold', 'degrade'] as const) {
    const log: string[] = []
    const bench = await openBench({ store })
    const machine = createMachine({ on: { go: { actions: () => log.push('acts') } } })
    const agent = await bench.system.spawn(machine, {
      id: whenStoreGone,
      durability: 'gated',
      gate: { whenStoreGone, goneAfterMs: 2000 },
    })
    broken = true
    agent.send({ type: 'go' })
    await bench.clock.advance(1500)
    assert.equal(log, [])
    await bench.clock.advance(30_000)
    assert.equal(log, whenStoreGone === 'hold' ? [] : ['acts'])
    agent.send({ type: 'go' })
    await bench.clock.advance(10_000)
    assert.is(log.length, whenStoreGone === 'hold' ? 0 : 2)
    broken = false
    await bench.clock.advance(10_000)
    assert.is(log.length, 2)
    await bench.close()
  }
})

test.run()
