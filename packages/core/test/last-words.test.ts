import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assign, createMachine, fromCallback, spawnChild } from 'xstate'
import { openBench, recorder } from './support.ts'

const test = suite('what comes at the end, or too late')

const boom = {
  actions: (): never => {
    throw new Error('boom')
  },
}

test('a child whose cleanup throws cannot bring a stopped agent back', async () => {
  const bench = await openBench()
  const hooks = recorder()
  bench.system.use(hooks)
  let living = 0
  const src = fromCallback(() => {
    living += 1
    return () => {
      living -= 1
      throw new Error('cleanup')
    }
  })
  const agent = await bench.system.spawn(createMachine({ id: 'm', invoke: { src } }), { id: 'a' })
  await agent.stop()
  await bench.clock.advance(60_000)
  assert.is(agent.status, 'stopped')
  assert.is(living, 0)
  assert.equal(hooks.log, ['spawn a', 'stop a stopped'])
  assert.is(bench.clock.pending, 0)
  await bench.close()
})

test('the timers of a child machine go on after a restart', async () => {
  const bench = await openBench()
  const kid = createMachine({ id: 'kid', initial: 'w', states: { w: { after: { 60: 'late' } }, late: {} } })
  const machine = createMachine({
    id: 'm',
    types: {} as { actors: { src: 'kid'; logic: typeof kid } },
    invoke: { src: 'kid', id: 'k' },
    on: { boom },
  })
  const agent = await bench.system.spawn(machine.provide({ actors: { kid } }), { id: 'a', durability: 'checkpoint' })
  await bench.clock.advance(30)
  agent.send({ type: 'boom' })
  await bench.clock.advance(10)
  assert.is(agent.status, 'running')
  await bench.clock.advance(60)
  assert.is(agent.snapshot.children['k']?.getSnapshot().value, 'late')
  await bench.close()
})

test('a delay that came from an event is kept as it was armed', async () => {
  const bench = await openBench()
  const machine = createMachine(
    {
      id: 'm',
      types: {} as { events: { type: 'go'; cfg: { ms: number } } | { type: 'boom' } },
      initial: 'idle',
      states: { idle: { on: { go: 'a' } }, a: { after: { d: 'done' } }, done: {} },
      on: { boom },
    },
    { delays: { d: ({ event }) => (event as { cfg: { ms: number } }).cfg.ms } },
  )
  const agent = await bench.system.spawn(machine, { id: 'a', durability: 'checkpoint' })
  agent.send({ type: 'go', cfg: { ms: 500 } })
  await bench.clock.advance(100)
  agent.send({ type: 'boom' })
  await bench.clock.advance(10)
  assert.is(agent.status, 'running')
  await bench.clock.advance(499)
  assert.is(agent.snapshot.value, 'a')
  await bench.clock.advance(1)
  assert.is(agent.snapshot.value, 'done')
  await bench.close()
})

test('a context that refers to itself is stored and comes back', async () => {
  const bench = await openBench()
  type Ring = { n: number; self?: Ring }
  const machine = createMachine({
    id: 'm',
    types: {} as { context: { ring: Ring } },
    context: { ring: { n: 0 } },
    on: {
      tie: {
        actions: assign(() => {
          const ring: Ring = { n: 1 }
          ring.self = ring
          return { ring }
        }),
      },
      boom,
    },
  })
  const agent = await bench.system.spawn(machine, { id: 'a', durability: 'checkpoint' })
  agent.send({ type: 'tie' })
  agent.send({ type: 'boom' })
  await bench.clock.advance(10)
  assert.is(agent.status, 'running')
  const { ring } = agent.snapshot.context
  assert.is(ring.n, 1)
  assert.is(ring.self, ring)
  await bench.close()
})

test('a state that cannot be captured is told, and the last good one serves', async () => {
  const bench = await openBench()
  const errors: string[] = []
  bench.system.use({ onCheckpointError: (_agent, error) => void errors.push(String((error as { code?: string }).code)) })
  const machine = createMachine({
    id: 'm',
    initial: 'plain',
    states: { plain: { on: { grow: 'grown' } }, grown: { entry: spawnChild(createMachine({}), { id: 'kid' }) } },
    on: { boom },
  })
  const agent = await bench.system.spawn(machine, { id: 'a', durability: 'checkpoint' })
  agent.send({ type: 'grow' })
  agent.send({ type: 'boom' })
  await bench.clock.advance(10)
  assert.is(agent.status, 'running')
  assert.ok(
    errors.every((code) => code === 'BAD_STATE'),
    errors.join(),
  )
  await bench.system.close().catch(() => undefined)
  await bench.grid.close()
})

test('hooks may be an instance of a class with private fields', async () => {
  const bench = await openBench()
  class Counter {
    #ends = 0
    onTransitionEnd(): void {
      this.#ends += 1
    }
    get ends(): number {
      return this.#ends
    }
  }
  const hooks = new Counter()
  bench.system.use(hooks)
  const agent = await bench.system.spawn(createMachine({ on: { tick: {} } }))
  agent.send({ type: 'tick' })
  await bench.settle()
  assert.is(hooks.ends, 1)
  assert.is(bench.system.guestErrors, 0)
  await bench.close()
})

test('a change lost at the front of the mailbox is made good before any newer one', async () => {
  const bench = await openBench()
  const map = bench.grid.map<number>('w')
  const log: string[] = []
  const machine = createMachine({
    id: 'm',
    on: { '*': { actions: ({ event }) => void log.push(`${event.type} ${String((event as { value?: number }).value ?? '')}`.trim()) } },
  })
  const mailbox = { capacity: 3, overflow: 'drop-oldest' } as const
  const agent = await bench.system.spawn(machine, { id: 'a', watch: { w: map }, mailbox })
  await bench.settle()
  const writes = [map.put('k', 1), map.put('k', 2), map.put('k', 3)]
  await Promise.resolve().then(() => agent.send({ type: 'u' }))
  await Promise.all(writes)
  await bench.settle()
  const puts = log.filter((line) => line.startsWith('w.put'))
  const resync = log.indexOf('w.resync')
  if (resync >= 0) assert.is(log.findIndex((line) => line.startsWith('w.put')) > resync, true, log.join(', '))
  else assert.equal(puts, ['w.put 1', 'w.put 2', 'w.put 3'])
  await bench.close()
})

test.run()
