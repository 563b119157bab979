import type { GridMap } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assign, createMachine } from 'xstate'
import { isCoreError, memoryStore, type DegradedEvent, type RecoveredEvent, type SpawnOptions, type Store } from '../src/index.ts'
import { judge, type NeedState } from '../src/dependencies/need.ts'
import { forSeeds } from './seeds.ts'
import { openBench, type Bench } from './support.ts'

const test = suite('needs')

type Event = DegradedEvent | RecoveredEvent | { type: 'work' } | { type: 'boom' } | { type: 'agent.restored' }

/** Writes down what it is told, and works on its own while it is degraded. */
const robot = createMachine({
  id: 'robot',
  types: {} as { context: { log: readonly string[] }; events: Event },
  context: { log: [] },
  initial: 'together',
  on: {
    'agent.degraded': {
      target: '.alone',
      actions: assign({ log: ({ context, event }) => [...context.log, `- ${event.need} ${event.ageMs}`] }),
    },
    'agent.recovered': { target: '.together', actions: assign({ log: ({ context, event }) => [...context.log, `+ ${event.need}`] }) },
    boom: {
      actions: () => {
        throw new Error('boom')
      },
    },
  },
  states: {
    together: { on: { work: { actions: assign({ log: ({ context }) => [...context.log, 'work together'] }) } } },
    alone: { on: { work: { actions: assign({ log: ({ context }) => [...context.log, 'work alone'] }) } } },
  },
})

const spawnRobot = (bench: Bench, needs: SpawnOptions<typeof robot>['needs'], more: SpawnOptions<typeof robot> = {}) =>
  bench.system.spawn(robot, { id: 'r', ...more, needs: needs ?? {} })

/** A source of a map: beats when told. */
function sourceOf(map: GridMap<number>): () => Promise<unknown> {
  let seq = 0
  return () => map.put('camera', 1, { source: { epoch: 1, seq: ++seq } })
}

test('a source that falls silent, and is heard again: told once each, before the next event is handled', async () => {
  const told: string[] = []
  const bench = await openBench({ hooks: { onNeed: (agent, need, state) => void told.push(`${agent.id} ${need} ${state}`) } })
  const map = bench.grid.map<number>('beats')
  const beat = sourceOf(map)
  await beat()
  const agent = await spawnRobot(bench, { eye: { map, source: 'camera', maxAgeMs: 50 } })
  agent.send({ type: 'work' })
  await bench.clock.advance(50)
  assert.equal(agent.snapshot.context.log, ['work together'])
  await bench.clock.advance(1)
  assert.equal(agent.snapshot.context.log, ['work together', '- eye 51'])
  assert.equal(agent.needs, [{ name: 'eye', state: 'degraded', met: false, ageMs: 51 }])
  agent.send({ type: 'work' })
  await beat()
  agent.send({ type: 'work' })
  await bench.settle()
  assert.equal(agent.snapshot.context.log.slice(2), ['+ eye', 'work together', 'work together'])
  assert.equal(told, ['r eye degraded', 'r eye met'])
  await agent.stop()
  assert.is(bench.clock.pending, 0)
  await bench.close()
})

test('it is judged when the event is taken, not when a timer comes: nothing is handled by an agent that does not know', async () => {
  let ageMs = 0
  const bench = await openBench()
  // A map whose watch never speaks.
  const silent = {
    ageMs: () => ageMs,
    sourceAgeMs: () => ageMs,
    onAge: () => ({ close: () => undefined, [Symbol.dispose]: () => undefined }),
  }
  const agent = await spawnRobot(bench, { parts: { map: silent, maxAgeMs: 50 } })
  agent.send({ type: 'work' })
  agent.send({ type: 'work' })
  ageMs = 51
  await bench.settle()
  ageMs = 0
  agent.send({ type: 'work' })
  await bench.settle()
  assert.equal(agent.snapshot.context.log, ['- parts 51', 'work alone', 'work alone', '+ parts', 'work together'])
  await bench.close()
})

test('unmet from the start: that is the first thing it hears', async () => {
  const bench = await openBench()
  const map = bench.grid.map<number>('beats')
  const agent = await spawnRobot(bench, { eye: { map, source: 'camera', maxAgeMs: 50 }, copy: { map, maxAgeMs: 50 } })
  agent.send({ type: 'work' })
  await bench.settle()
  assert.equal(agent.snapshot.context.log, ['- eye Infinity', 'work alone'])
  await bench.close()
})

test('latched: met again is not enough, somebody has to acknowledge, and only while it is met', async () => {
  const bench = await openBench()
  const map = bench.grid.map<number>('beats')
  const beat = sourceOf(map)
  await beat()
  const agent = await spawnRobot(bench, { eye: { map, source: 'camera', maxAgeMs: 50, latch: true } })
  assert.is(agent.acknowledge('eye'), false, 'nothing to acknowledge')
  await bench.clock.advance(51)
  assert.is(agent.acknowledge('eye'), false, 'not met')
  await beat()
  await bench.settle()
  assert.equal([agent.snapshot.value, agent.needs[0]?.state], ['alone', 'latched'])
  await bench.clock.advance(51)
  assert.is(agent.acknowledge('eye'), false, 'not met any more')
  await beat()
  assert.is(agent.acknowledge('nose'), false)
  assert.is(agent.acknowledge('eye'), true)
  await bench.settle()
  assert.equal(agent.snapshot.context.log, ['- eye 51', '+ eye'])
  await bench.close()
})

test('a dependency that opens, and recovers', async () => {
  const bench = await openBench()
  const api = bench.system.dependency('api', { breaker: { failures: 1, openMs: 100 } })
  const agent = await spawnRobot(bench, { planner: { dependency: api } })
  await Promise.allSettled([
    api.call(() => {
      throw new Error('down')
    }),
  ])
  await bench.settle()
  assert.equal(agent.snapshot.context.log, ['- planner undefined'])
  await bench.clock.advance(100)
  assert.equal(agent.snapshot.context.log, ['- planner undefined', '+ planner'])
  await bench.close()
})

test('a store that takes nothing, and does again', async () => {
  const inner = memoryStore()
  let down = false
  const store: Store = {
    ...inner,
    async commit(...args) {
      if (down) throw new Error('no space')
      return inner.commit(...args)
    },
  }
  const bench = await openBench({ store })
  const agent = await spawnRobot(bench, { store: { store: true } }, { durability: 'checkpoint' })
  down = true
  agent.send({ type: 'work' })
  await bench.settle()
  assert.equal(agent.snapshot.context.log, ['work together', '- store undefined'])
  down = false
  await bench.clock.advance(1000)
  assert.equal(agent.snapshot.context.log, ['work together', '- store undefined', '+ store'])
  await bench.close()
})

test('after a restart it is told how things stand, whatever state it begins with', async () => {
  for (const durability of ['none', 'checkpoint'] as const) {
    const bench = await openBench()
    const map = bench.grid.map<number>('beats')
    const beat = sourceOf(map)
    await beat()
    const agent = await spawnRobot(bench, { eye: { map, source: 'camera', maxAgeMs: 50 } }, { durability })
    await bench.clock.advance(51)
    agent.send({ type: 'boom' })
    await bench.clock.advance(10)
    assert.equal([agent.status, agent.snapshot.value, agent.snapshot.context.log.at(-1)], ['running', 'alone', '- eye 61'])
    await beat()
    agent.send({ type: 'boom' })
    await bench.clock.advance(20)
    assert.equal([agent.status, agent.snapshot.value, agent.snapshot.context.log.at(-1)], ['running', 'together', '+ eye'])
    await bench.close()
  }
})

test('what is restored in a new process is told too, and a latched need waits for somebody to look', async () => {
  const store = memoryStore()
  const one = await openBench({ store })
  const needs = { copy: { map: one.grid.map<number>('beats'), maxAgeMs: 50 } }
  await spawnRobot(one, needs, { durability: 'checkpoint' })
  await one.close()
  const two = await openBench({ store })
  const agent = await spawnRobot(
    two,
    { copy: { map: two.grid.map<number>('beats'), maxAgeMs: 50, latch: true } },
    { durability: 'checkpoint' },
  )
  await two.settle()
  assert.equal(agent.snapshot.context.log, ['- copy 0'])
  assert.is(agent.acknowledge('copy'), true)
  await two.settle()
  assert.equal(agent.snapshot.context.log, ['- copy 0', '+ copy'])
  await two.close()
})

test('a map that is closed is as old as can be; the agent goes on alone', async () => {
  const bench = await openBench()
  const closed = (): never => {
    throw new Error('the grid is closed')
  }
  let open = true
  const ageMs = (): number => (open ? 0 : closed())
  const map = { ageMs, sourceAgeMs: ageMs, onAge: () => ({ close: () => undefined, [Symbol.dispose]: () => undefined }) }
  const agent = await spawnRobot(bench, { parts: { map, maxAgeMs: 50 } })
  open = false
  agent.send({ type: 'work' })
  await bench.settle()
  assert.equal(agent.snapshot.context.log, ['- parts Infinity', 'work alone'])
  await bench.close()
})

test('what follows from what (seeded): degraded at once, back at once or when acknowledged', async () => {
  await forSeeds(100, (random) => {
    const latch = random() < 0.5
    let state: NeedState = 'met'
    let everDegraded = false
    for (let i = 0; i < 50; i++) {
      const met = random() < 0.5
      state = judge(state, met, latch)
      everDegraded ||= !met
      assert.is(state === 'degraded', !met)
      assert.is(state === 'met', met && !(latch && everDegraded))
    }
  })
})

test('needs that cannot be asked are refused', async () => {
  const bench = await openBench()
  const map = bench.grid.map<number>('beats')
  const wrong: readonly [unknown, RegExp][] = [
    [7, /needs\.x is 7/],
    [{ map }, /needs\.x has no maxAgeMs/],
    [{ map, maxAgeMs: -1 }, /needs\.x\.maxAgeMs is -1/],
    [{ map: 'beats', maxAgeMs: 1 }, /nothing to ask/],
    [{ map, maxAge: 1 }, /"maxAge"/],
    [{ dependency: 'api' }, /nothing to ask/],
    [{ store: false }, /nothing to ask/],
  ]
  for (const [need, pattern] of wrong) {
    const [result] = await Promise.allSettled([spawnRobot(bench, { x: need as never })])
    assert.ok(
      result?.status === 'rejected' && isCoreError(result.reason, 'BAD_OPTION') && pattern.test(result.reason.message),
      String(pattern),
    )
  }
  await bench.close()
})

test.run()
