import { openGrid } from '@stigmergy/grid'
import { createMemoryStore, type Store as FullStore } from '@stigmergy/grid/store'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assign, createMachine } from 'xstate'
import { createSystem, isCoreError, memoryStore, type CoreError, type Store } from '../src/index.ts'
import { add, counter, openBench } from './support.ts'

const test = suite('checkpoint')

/** A store whose commits wait until they are let through, or fail. */
function gatedStore(): Store & { readonly log: string[]; let(outcome?: Error): Promise<void>; open(): void } {
  const inner = memoryStore()
  const waiting: ((outcome: Error | undefined) => void)[] = []
  const log: string[] = []
  let open = false
  return {
    ...inner,
    log,
    async commit(id, rev, fence, value) {
      log.push(`commit at ${rev}`)
      const outcome = open ? undefined : await new Promise<Error | undefined>((resolve) => waiting.push(resolve))
      if (outcome !== undefined) throw outcome
      return inner.commit(id, rev, fence, value)
    },
    async let(outcome) {
      waiting.shift()?.(outcome)
      await new Promise((resolve) => setImmediate(resolve))
    },
    open() {
      open = true
      for (const resolve of waiting.splice(0)) resolve(undefined)
    },
  }
}

test('the first state is committed before the agent does anything; then each change, with what changed meanwhile', async () => {
  const store = gatedStore()
  const commits: number[] = []
  const bench = await openBench({ store, hooks: { onCheckpoint: (_agent, rev, bytes) => void (bytes > 0 && commits.push(rev)) } })
  const log: string[] = []
  const machine = createMachine({ ...counter.config, entry: () => log.push('entered') } as typeof counter.config)
  const spawning = bench.system.spawn(machine as unknown as typeof counter, { id: 'c', durability: 'checkpoint' })
  await bench.settle()
  assert.equal([log, store.log], [[], ['commit at 0']])
  await store.let()
  const agent = await spawning
  assert.equal(log, ['entered'])

  agent.send(add(1))
  await bench.settle()
  for (const by of [2, 4, 8]) {
    agent.send(add(by))
    await bench.settle()
  }
  assert.equal(store.log, ['commit at 0', 'commit at 1'], 'one at a time')
  await store.let()
  assert.equal(store.log, ['commit at 0', 'commit at 1', 'commit at 2'], 'all that changed meanwhile goes as one')
  await store.let()
  assert.equal(store.log.length, 3, 'nothing has changed since')
  assert.equal(commits, [1, 2, 3])
  store.open()
  await bench.close()
})

test('an event that changes nothing is not stored', async () => {
  const store = gatedStore()
  store.open()
  const bench = await openBench({ store })
  const agent = await bench.system.spawn(counter, { durability: 'checkpoint' })
  agent.send({ type: 'unknown' } as never)
  await bench.settle()
  assert.equal(store.log, ['commit at 0'])
  await bench.close()
})

test('a store that fails is tried again until it takes the newest state', async () => {
  const store = gatedStore()
  const errors: string[] = []
  const bench = await openBench({ store, hooks: { onCheckpointError: (_agent, error) => void errors.push(String(error)) } })
  const spawning = bench.system.spawn(counter, { id: 'c', durability: 'checkpoint' })
  await bench.settle()
  await store.let()
  const agent = await spawning
  agent.send(add(1))
  await bench.settle()
  await store.let(new Error('no disk'))
  agent.send(add(2))
  await bench.clock.advance(99)
  assert.is(store.log.length, 2)
  await bench.clock.advance(1)
  assert.equal([store.log.length, errors], [3, ['Error: no disk']])
  await store.let(new Error('no disk'))
  await bench.clock.advance(199)
  assert.is(store.log.length, 3, 'the pause has doubled')
  store.open()
  await bench.clock.advance(1)
  await bench.close()

  const later = await openBench({ store })
  const again = await later.system.spawn(counter, { id: 'c', durability: 'checkpoint' })
  assert.is(again.snapshot.context.sum, 3)
  await later.close()
})

test('a restart reads the store: while the store fails, it waits', async () => {
  const store = gatedStore()
  const bench = await openBench({ store, supervision: { backoff: { minMs: 10 } } })
  const spawning = bench.system.spawn(counter, { id: 'c', durability: 'checkpoint' })
  await bench.settle()
  await store.let()
  const agent = await spawning
  agent.send(add(1))
  agent.send({ type: 'boom' })
  await bench.settle()
  await store.let(new Error('no disk'))
  await bench.clock.advance(10)
  await store.let(new Error('no disk'))
  await bench.settle()
  assert.equal([agent.status, agent.restarts], ['restarting', 0])
  store.open()
  await bench.clock.advance(200)
  assert.equal([agent.status, agent.restarts, agent.snapshot.context.sum], ['running', 1, 1])
  await bench.close()
})

test('state that cannot be stored: refused at spawn; later told to the hooks, and the last stored state stays', async () => {
  const errors: unknown[] = []
  const bench = await openBench({ hooks: { onCheckpointError: (_agent, error) => void errors.push(error) } })
  const machine = createMachine({
    types: {} as { context: { x: unknown }; events: { type: 'set'; x: unknown } | { type: 'boom' }; input: unknown },
    context: ({ input }) => ({ x: input }),
    on: {
      set: { actions: assign({ x: ({ event }) => event.x }) },
      boom: {
        actions: () => {
          throw new Error('boom')
        },
      },
    },
  })
  const [spawned] = await Promise.allSettled([bench.system.spawn(machine, { id: 'x', input: Symbol('s'), durability: 'checkpoint' })])
  assert.ok(spawned?.status === 'rejected' && isCoreError(spawned.reason, 'BAD_STATE'))

  const agent = await bench.system.spawn(machine, { id: 'x', input: 1, durability: 'checkpoint' })
  agent.send({ type: 'set', x: 2 })
  await bench.settle()
  agent.send({ type: 'set', x: Symbol('s') })
  await bench.settle()
  assert.ok(isCoreError(errors.at(-1), 'BAD_STATE'))
  agent.send({ type: 'boom' })
  await bench.clock.advance(10)
  assert.equal([agent.status, agent.snapshot.context.x], ['running', 2])
  await bench.close()
})

test('a second system on the same store resumes the agent; the first one is fenced off and not restarted (I1)', async () => {
  const store = memoryStore()
  const failures: string[] = []
  const first = await openBench({
    store,
    hooks: { onFailure: ({ error, decision }) => void failures.push(`${(error as CoreError).code} ${decision.type}`) },
  })
  const old = await first.system.spawn(counter, { id: 'c', durability: 'checkpoint' })
  old.send(add(5))
  await first.settle()

  const second = createSystem({ grid: await openGrid({ id: 'there', clock: first.clock }), store })
  const resumed = await second.spawn(counter, { id: 'c', durability: 'checkpoint' })
  await first.settle()
  assert.equal(resumed.snapshot.context, { sum: 5, restored: ['checkpoint'] })
  assert.is(resumed.restarts, 0)

  old.send(add(100))
  await first.settle()
  assert.is(old.status, 'failed')
  assert.equal(failures, ['STORE_FENCED stop'])
  resumed.send(add(1))
  await second.close()
  const third = await openBench({ store })
  const last = await third.system.spawn(counter, { id: 'c', durability: 'checkpoint' })
  assert.is(last.snapshot.context.sum, 6, 'nothing of the older one came through')
  await third.close()
  await first.close()
})

test('two systems that spawn one agent at once: one of them gets it', async () => {
  const store = memoryStore()
  const failures: unknown[] = []
  const hooks = { onFailure: (failure: unknown) => void failures.push(failure) }
  const first = await openBench({ store, hooks })
  const second = createSystem({ grid: await openGrid({ id: 'there', clock: first.clock }), store, hooks })
  const results = await Promise.allSettled(
    [first.system, second].map((system) => system.spawn(counter, { id: 'c', durability: 'checkpoint' })),
  )
  assert.equal(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  for (const result of results)
    if (result.status === 'rejected') assert.ok(isCoreError(result.reason, 'STORE_FENCED'), String(result.reason))
  assert.equal(failures, [], 'none has failed that never ran')
  assert.is((await store.get('c'))?.rev, 1)
  await second.close()
  await first.close()
})

test('a store that fails to the end: close says so, and leaves no timer', async () => {
  const store = gatedStore()
  const bench = await openBench({ store })
  const spawning = bench.system.spawn(counter, { id: 'c', durability: 'checkpoint' })
  await bench.settle()
  await store.let()
  await spawning
  const closed = Promise.allSettled([bench.system.close()])
  await bench.settle()
  await store.let(new Error('no disk'))
  const [result] = await closed
  assert.is(String(result?.status === 'rejected' && result.reason), 'Error: no disk')
  assert.is(bench.clock.pending, 0)
  await bench.grid.close()
})

test('closing writes the last state; what a system closed, the next one resumes', async () => {
  const store = memoryStore()
  for (const sum of [1, 2, 3]) {
    const bench = await openBench({ store })
    const agent = await bench.system.spawn(counter, { id: 'c', durability: 'checkpoint' })
    agent.send(add(1))
    await bench.settle()
    assert.is(agent.snapshot.context.sum, sum)
    await bench.close()
  }
})

test('an agent that had reached its end begins anew', async () => {
  const store = memoryStore()
  const machine = createMachine({
    types: {} as { events: { type: 'end' } },
    initial: 'a',
    states: { a: { on: { end: 'z' } }, z: { type: 'final' } },
  })
  for (let i = 0; i < 2; i++) {
    const bench = await openBench({ store })
    const agent = await bench.system.spawn(machine, { id: 'x', durability: 'checkpoint' })
    assert.ok(agent.snapshot.matches('a'))
    agent.send({ type: 'end' })
    await bench.settle()
    assert.is(agent.status, 'done')
    await bench.close()
  }
  assert.is((await store.get('x'))?.rev, 4)
})

test('the record of another type of agent is refused and left as it is (I9)', async () => {
  const store = memoryStore()
  const bench = await openBench({ store })
  await (await bench.system.spawn(counter, { id: 'c', durability: 'checkpoint' })).stop()
  const before = await store.get('c')
  const [other] = await Promise.allSettled([bench.system.spawn(createMachine({ id: 'camera' }), { id: 'c', durability: 'checkpoint' })])
  assert.ok(other?.status === 'rejected' && isCoreError(other.reason, 'STORE_FOREIGN'), String(other?.status))
  assert.equal(await store.get('c'), before)
  assert.equal(bench.system.agents, [])
  const same = await bench.system.spawn(counter, { id: 'c', durability: 'checkpoint' })
  assert.is(same.status, 'running')
  await bench.close()
})

test('a stored state that the machine no longer has is refused and left as it is', async () => {
  const store = memoryStore()
  const bench = await openBench({ store })
  const before = createMachine({ id: 'm', initial: 'a', states: { a: {} } })
  const after = createMachine({ id: 'm', initial: 'b', states: { b: {} } })
  await (await bench.system.spawn(before, { id: 'x', durability: 'checkpoint' })).stop()
  const kept = await store.get('x')
  const [result] = await Promise.allSettled([bench.system.spawn(after, { id: 'x', durability: 'checkpoint' })])
  assert.ok(result?.status === 'rejected' && isCoreError(result.reason, 'START_FAILED'))
  assert.equal(await store.get('x'), kept)
  await bench.close()
})

test('checkpoint stores what has changed, in one call of a store that can, and resolves once it is stored', async () => {
  const inner = createMemoryStore()
  const calls: string[] = []
  const store: FullStore = {
    ...inner,
    commit: (id, ...rest) => (calls.push(id), inner.commit(id, ...rest)),
    commitAll: (commits) => (calls.push(`${commits.length} together`), inner.commitAll(commits)),
  }
  const bench = await openBench({ store })
  const late = { durability: 'checkpoint', checkpoint: { transitions: 1000, ms: 1e6 } } as const
  const agents = await Promise.all(['a', 'b', 'c'].map((id) => bench.system.spawn(counter, { id, ...late })))
  await bench.system.spawn(counter, { id: 'none' })
  assert.equal(calls, ['3 together'])
  for (const agent of agents.slice(0, 2)) agent.send(add(1))
  bench.system.send('none', add(1))
  await bench.settle()
  assert.is(await bench.system.checkpoint(), 2)
  assert.is(await bench.system.checkpoint(), 0)
  assert.equal(calls, ['3 together', '2 together'])
  agents[2]?.send(add(7))
  await bench.settle()
  await agents[2]?.checkpoint()
  assert.equal(calls, ['3 together', '2 together', 'c'])
  await bench.close()
  const again = await openBench({ store })
  const restored = await again.system.spawn(counter, { id: 'c', ...late })
  assert.is(restored.snapshot.context.sum, 7)
  await again.close()
})

test('of those that are stored together each is refused for itself', async () => {
  const store = createMemoryStore()
  const old = await openBench({ store })
  const late = { durability: 'checkpoint', checkpoint: { transitions: 1000, ms: 1e6 } } as const
  const agents = await Promise.all(['a', 'b', 'c'].map((id) => old.system.spawn(counter, { id, ...late })))
  const bench = await openBench({ store })
  await bench.system.spawn(counter, { id: 'b', ...late })
  for (const agent of agents) agent.send(add(1))
  await old.settle()
  await old.system.checkpoint().then(
    () => assert.unreachable(),
    (error: unknown) => {
      assert.ok(isCoreError(error, 'NOT_STORED'))
      assert.match((error as Error).message, '1 of 3 agents are not stored: "b"')
      assert.is((error.cause as CoreError).code, 'STORE_FENCED')
    },
  )
  assert.equal(
    agents.map(({ status }) => status),
    ['running', 'failed', 'running'],
  )
  await old.close()
  await bench.close()
})

test('checkpoint resolves though the agent goes on changing, and rejects when the store does not take it', async () => {
  const store = gatedStore()
  const bench = await openBench({ store })
  const spawning = bench.system.spawn(counter, { id: 'c', durability: 'checkpoint' })
  await bench.settle()
  await store.let()
  const agent = await spawning
  agent.send(add(1))
  await bench.settle()
  let stored = false
  const storing = agent.checkpoint().then(() => (stored = true))
  agent.send(add(1))
  await bench.settle()
  await store.let()
  await storing
  assert.ok(stored, 'the change that came after it is on its way')
  await store.let()
  agent.send(add(1))
  await bench.settle()
  const refused = agent.checkpoint().then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.message, 'full'),
  )
  await store.let(new Error('full'))
  await refused
  store.open()
  await bench.close()
})

test.run()
