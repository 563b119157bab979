import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assign, createMachine, fromCallback, setup, type AnyStateMachine } from 'xstate'
import { memoryStore, type ActorSystem, type AgentRef, type ReplyTo, type SpawnOptions, type Store } from '../src/index.ts'
import { openBench, recorder, type Bench } from './support.ts'

/** Agents whose machine is not in memory: restored ones to which nothing has come yet, and those that were sent to sleep. */
const test = suite('sleep')

type Events =
  | { type: 'add'; by: number }
  | { type: 'ask'; replyTo: ReplyTo<number> }
  | { type: 'keep'; replyTo: ReplyTo<number> }
  | { type: 'answer' }
  | { type: 'wait'; ms: number }
  | { type: 'parts.put'; value: number }
  | { type: 'agent.degraded' }
  | { type: 'agent.ended' }

interface Context {
  readonly sum: number
  readonly heard: readonly string[]
  readonly replyTo?: ReplyTo<number>
}

const hear = assign<Context, Events, undefined, Events, never>({ heard: ({ context, event }) => [...context.heard, event.type] })
const quiet = setup({ types: { context: {} as Context, events: {} as Events } }).createMachine({
  id: 'quiet',
  context: { sum: 0, heard: [] },
  initial: 'idle',
  states: {
    idle: { on: { wait: 'waiting' } },
    waiting: { after: { 1000: { target: 'idle', actions: assign({ sum: ({ context }) => context.sum + 1000 }) } } },
  },
  on: {
    add: { actions: assign({ sum: ({ context, event }) => context.sum + event.by }) },
    ask: { actions: ({ context, event }) => event.replyTo.send(context.sum) },
    keep: { actions: assign({ replyTo: ({ event }) => event.replyTo }) },
    answer: { actions: ({ context }) => context.replyTo?.send(context.sum) },
    'parts.put': { actions: hear },
    'agent.degraded': { actions: hear },
    'agent.ended': { actions: hear },
  },
})
const kept = { id: 'q', durability: 'checkpoint' } as const

/** The agent in a system that found it in the store. */
async function restored(
  options: SpawnOptions<typeof quiet> = kept,
): Promise<{ bench: Bench; agent: AgentRef<typeof quiet>; log: string[] }> {
  const store = memoryStore()
  const first = await openBench({ store })
  const before = await first.system.spawn(quiet, options)
  before.send({ type: 'add', by: 5 })
  await first.settle()
  await first.close()
  const hooks = recorder()
  const bench = await openBench({ store, hooks })
  return { bench, agent: await bench.system.spawn(quiet, options), log: hooks.log }
}

async function evicted(bench: Bench, options: SpawnOptions<typeof quiet> = kept): Promise<AgentRef<typeof quiet>> {
  const agent = await bench.system.spawn(quiet, options)
  agent.send({ type: 'add', by: 5 })
  await bench.settle()
  assert.ok(await agent.evict())
  assert.ok(agent.asleep)
  return agent
}

test('a restored agent stays asleep until an event comes; then it is told that it was restored before anything else', async () => {
  for (const durability of ['checkpoint', 'gated'] as const) {
    const { bench, agent, log } = await restored({ ...kept, durability })
    assert.equal([agent.asleep, agent.status, agent.mailbox.waiting, log], [true, 'running', 0, ['spawn q']])
    agent.send({ type: 'add', by: 2 })
    assert.ok(agent.asleep, 'never on the stack of the sender')
    await bench.settle()
    assert.equal([agent.asleep, agent.snapshot.context.sum], [false, 7])
    assert.equal(log, ['spawn q', 'agent.restored: idle -> idle', 'add: idle -> idle'])
    await bench.close()
  }
})

test('a question wakes it, and so does a look at its snapshot', async () => {
  const asked = await restored()
  assert.is(await asked.agent.ask<number>((replyTo) => ({ type: 'ask', replyTo })), 5)
  await asked.bench.close()
  const seen = await restored()
  assert.equal([seen.agent.asleep, seen.agent.snapshot.context.sum, seen.agent.asleep], [true, 5, false])
  await seen.bench.close()
})

test('it holds its place in the store from its spawn on: the one before can write no more', async () => {
  const store = memoryStore()
  const old = await openBench({ store })
  const before = await old.system.spawn(quiet, kept)
  const bench = await openBench({ store })
  const agent = await bench.system.spawn(quiet, kept)
  assert.ok(agent.asleep)
  before.send({ type: 'add', by: 1 })
  await old.settle()
  assert.is(before.status, 'failed')
  agent.send({ type: 'add', by: 2 })
  await bench.settle()
  assert.equal([agent.status, agent.snapshot.context.sum], ['running', 2])
  await bench.close()
  await old.close()
})

test('one that has something to do when it is restored is awake', async () => {
  const machines: Record<string, AnyStateMachine> = {
    'listens to the news': createMachine({ id: 'm', on: { 'agent.restored': { actions: () => undefined } } }),
    'listens to all': createMachine({ id: 'm', on: { '*': { actions: () => undefined } } }),
    'listens to all of agents': createMachine({ id: 'm', on: { 'agent.*': { actions: () => undefined } } }),
    waits: createMachine({ id: 'm', initial: 'a', states: { a: { after: { 1000: {} } } } }),
    'goes on by itself': createMachine({ id: 'm', initial: 'a', states: { a: { always: { guard: () => false } } } }),
    invokes: createMachine({ id: 'm', invoke: { id: 'i', src: fromCallback(() => undefined) } }),
    'waits in a region': createMachine({
      id: 'm',
      type: 'parallel',
      states: { a: {}, b: { initial: 'c', states: { c: { after: { 1000: {} } } } } },
    }),
  }
  for (const [what, machine] of Object.entries(machines)) {
    const store = memoryStore()
    const first = await openBench({ store })
    await first.system.spawn(machine, kept)
    await first.close()
    const bench = await openBench({ store })
    assert.not((await bench.system.spawn(machine, kept)).asleep, what)
    await bench.close()
  }
  const { bench, agent } = await restored({ ...kept, needs: { store: { store: true } } })
  assert.not(agent.asleep, 'has needs')
  await bench.close()
})

test('a state that the machine does not have any more is refused at spawn, asleep or not', async () => {
  const store = memoryStore()
  const first = await openBench({ store })
  await first.system.spawn(quiet, kept)
  await first.close()
  const bench = await openBench({ store })
  const other = createMachine({ id: 'quiet', initial: 'new', states: { new: {} } })
  await bench.system.spawn(other, kept).then(
    () => assert.unreachable(),
    (error: Error) => assert.match(error.message, 'did not start'),
  )
  await bench.close()
})

test('a timer keeps its time, and its trace, while the agent sleeps', async () => {
  for (const durability of ['checkpoint', 'gated'] as const) {
    const bench = await openBench({ store: memoryStore() })
    const agent = await bench.system.spawn(quiet, { ...kept, durability })
    agent.send({ type: 'wait', ms: 0 })
    await bench.clock.advance(400)
    assert.ok(await agent.evict())
    await bench.clock.advance(599)
    assert.ok(agent.asleep)
    await bench.clock.advance(1)
    assert.not(agent.asleep)
    assert.equal([agent.snapshot.value, agent.snapshot.context.sum], ['idle', 1000])
    // Woken by something else, it waits on.
    agent.send({ type: 'wait', ms: 0 })
    await bench.clock.advance(400)
    assert.ok(await agent.evict())
    agent.send({ type: 'add', by: 1 })
    await bench.clock.advance(599)
    assert.is(agent.snapshot.value, 'waiting')
    await bench.clock.advance(1)
    assert.is(agent.snapshot.context.sum, 2001)
    await bench.close()
  }
})

test('the world, its needs and the end of others wake it', async () => {
  const bench = await openBench({ store: memoryStore() })
  const parts = bench.grid.map<number>('parts')
  const api = bench.system.dependency('api', { breaker: { failures: 1 } })
  const other = await bench.system.spawn(quiet, { id: 'other' })
  const agent = await evicted(bench, { ...kept, watch: { parts }, needs: { api: { dependency: api } } })
  const wakesOf = async (what: string, fn: () => Promise<unknown>): Promise<void> => {
    assert.ok(await agent.evict(), what)
    await fn()
    await bench.settle()
    assert.not(agent.asleep, what)
    assert.is(agent.snapshot.context.heard.at(-1), what)
  }
  agent.watch('other')
  await wakesOf('parts.put', () => parts.put('p', 1))
  await wakesOf('agent.degraded', () => api.call(() => Promise.reject(new Error('no'))).catch(() => undefined))
  await wakesOf('agent.ended', () => other.stop())
  await bench.close()
})

test('who listens goes on to hear, and what was sent before is still known', async () => {
  const bench = await openBench({ store: memoryStore() })
  const agent = await bench.system.spawn(quiet, kept)
  const told: number[] = []
  agent.subscribe(({ context }) => told.push(context.sum))
  agent.send({ type: 'add', by: 1 }, { id: 'once' })
  await bench.settle()
  assert.ok(await agent.evict())
  agent.send({ type: 'add', by: 1 }, { id: 'once' })
  assert.ok(agent.asleep)
  agent.send({ type: 'add', by: 2 }, { id: 'twice' })
  await bench.settle()
  assert.equal([told, agent.mailbox.repeated], [[1, 3], 1])
  await bench.close()
})

test('an agent that is in the middle of something stays awake', async () => {
  const bench = await openBench({ store: memoryStore() })
  const plain = await bench.system.spawn(quiet, { id: 'plain' })
  assert.not(await plain.evict(), 'nothing is stored of it')
  const agent = await bench.system.spawn(quiet, kept)
  agent.send({ type: 'add', by: 1 })
  assert.not(await agent.evict(), 'an event waits')
  await bench.settle()
  const answer = agent.ask<number>((replyTo) => ({ type: 'keep', replyTo }))
  await bench.settle()
  assert.not(await agent.evict(), 'a function is no state')
  agent.send({ type: 'answer' })
  assert.is(await answer, 1)
  const parent = createMachine({ id: 'p', invoke: { id: 'i', src: fromCallback(() => undefined) } })
  assert.not(await (await bench.system.spawn(parent, { durability: 'checkpoint' })).evict(), 'it has a child')
  await agent.stop()
  assert.not(await agent.evict(), 'it has ended')
  await bench.close()
})

test('a store that refuses keeps it awake; one that hangs lets it go when it is asked again', async () => {
  const inner = memoryStore()
  let broken = false
  const store: Store = { ...inner, commit: (...args) => (broken ? Promise.reject(new Error('gone')) : inner.commit(...args)) }
  const bench = await openBench({ store })
  const agent = await bench.system.spawn(quiet, { ...kept, checkpoint: { transitions: 100, ms: 1e6 } })
  agent.send({ type: 'add', by: 1 })
  await bench.settle()
  broken = true
  assert.not(await agent.evict())
  broken = false
  assert.ok(await agent.evict())
  assert.is(agent.snapshot.context.sum, 1)
  await bench.close()
})

test('stopped in its sleep it stores nothing, and its last snapshot can still be read', async () => {
  let commits = 0
  const inner = memoryStore()
  const store: Store = { ...inner, commit: (...args) => ((commits += 1), inner.commit(...args)) }
  const bench = await openBench({ store })
  const agent = await evicted(bench)
  const before = commits
  await agent.stop()
  assert.equal([agent.status, commits - before, agent.snapshot.context.sum], ['stopped', 0, 5])
  assert.not(agent.send({ type: 'add', by: 1 }))
  await bench.close()
})

test('a sibling that crashes brings it down and it comes back, as if it had been awake', async () => {
  const bench = await openBench({ store: memoryStore() })
  const bomb = createMachine({
    id: 'bomb',
    on: {
      boom: {
        actions: () => {
          throw new Error('boom')
        },
      },
    },
  })
  const { child } = await import('../src/index.ts')
  await bench.system.supervise({ id: 's', strategy: 'one-for-all', children: [child(quiet, kept), child(bomb, { id: 'b' })] })
  const agent = bench.system.agent('q') as unknown as AgentRef<typeof quiet>
  agent.send({ type: 'add', by: 3 })
  await bench.settle()
  assert.ok(await agent.evict())
  bench.system.send('b', { type: 'boom' })
  await bench.clock.advance(10_000)
  assert.equal([agent.status, agent.restarts, agent.snapshot.context.sum], ['running', 1, 3])
  await bench.close()
})

test('passivateAfterMs sends it to sleep when nothing comes; what comes puts it off', async () => {
  const bench = await openBench({ store: memoryStore() })
  const agent = await bench.system.spawn(quiet, { ...kept, passivateAfterMs: 100 })
  for (let i = 0; i < 10; i++) {
    agent.send({ type: 'add', by: 1 })
    await bench.clock.advance(60)
    assert.not(agent.asleep)
  }
  await bench.clock.advance(200)
  assert.ok(agent.asleep)
  agent.send({ type: 'add', by: 1 })
  await bench.settle()
  assert.is(agent.asleep, false)
  await bench.clock.advance(200)
  assert.ok(agent.asleep)
  assert.is(agent.snapshot.context.sum, 11)
  for (const [options, message] of [
    [{ passivateAfterMs: 100 }, 'the agent is not stored'],
    [{ ...kept, id: 'x', passivateAfterMs: -1 }, 'passivateAfterMs is -1'],
  ] as const) {
    await bench.system.spawn(quiet, options).then(
      () => assert.unreachable(),
      (error: Error) => assert.match(error.message, message),
    )
  }
  await bench.close()
  assert.is(bench.clock.pending, 0)
})

test('what is set aside stays while it sleeps, and comes back when the state takes it', async () => {
  for (const durability of ['checkpoint', 'gated'] as const) {
    for (const passivateAfterMs of [Infinity, 100]) {
      const bench = await openBench({ store: memoryStore() })
      const agent = await bench.system.spawn(quiet, {
        ...kept,
        durability,
        passivateAfterMs,
        stash: (event, state) => event.type === 'add' && state.matches('waiting'),
      })
      agent.send({ type: 'wait', ms: 0 })
      agent.send({ type: 'add', by: 7 })
      await bench.settle()
      if (passivateAfterMs === Infinity) assert.ok(await agent.evict())
      else await bench.clock.advance(500)
      assert.equal([agent.asleep, agent.status, agent.mailbox.stashed], [true, 'running', 1])
      agent.send({ type: 'add', by: 20 })
      await bench.settle()
      assert.equal([agent.mailbox.stashed, agent.snapshot.value, agent.snapshot.context.sum], [2, 'waiting', 0])
      if (passivateAfterMs === Infinity) assert.ok(await agent.evict())
      await bench.clock.advance(1000)
      assert.equal([agent.mailbox.stashed, agent.snapshot.value, agent.snapshot.context.sum], [0, 'idle', 1027], 'its own timer woke it')
      await bench.close()
    }
  }
})

test('a watcher that fell asleep is told of the end it waits for, whether or not its inbox was used before', async () => {
  for (const used of [false, true]) {
    for (const via of ['agent', 'system']) {
      const bench = await openBench({ store: memoryStore() })
      const agent = await bench.system.spawn(quiet, kept)
      const other = await bench.system.spawn(quiet, { id: 'other' })
      if (via === 'agent') agent.watch('other')
      else bench.system.watch('q', 'other')
      if (used) agent.send({ type: 'add', by: 1 })
      await bench.settle()
      assert.ok(await agent.evict())
      await other.stop()
      await bench.settle()
      assert.equal([agent.asleep, agent.snapshot.context.heard], [false, ['agent.ended']])
      await bench.close()
    }
  }
})

test('an agent without a place in memory is drained, and closed, without being woken', async () => {
  const { bench, agent } = await restored()
  const system: ActorSystem = bench.system
  const draining = system.drain()
  await bench.clock.advance(100)
  const report = await draining
  assert.equal([report.finished, report.cut, agent.asleep, agent.status], [['q'], [], true, 'stopped'])
  await bench.close()
})

test.run()
