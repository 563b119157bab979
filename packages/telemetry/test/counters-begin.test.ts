import { child, createSystem } from '@stigmergy/core'
import { createVirtualClock, openGrid } from '@stigmergy/grid'
import { createAlarms, telemetryHooks } from '@stigmergy/telemetry'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { RecorderOptions } from '../src/recorder/options.ts'
import { openFlight } from './support/flight.ts'
import { memoryMeter } from './support/otel.ts'
import { agentInfo, endOf } from './support/transitions.ts'
import { assign, fromPromise, setup } from './support/xstate.ts'

const test = suite('counters that alerts look at')

const press = setup({}).createMachine({
  id: 'press',
  initial: 'open',
  states: {
    open: { on: { hit: 'crushed' } },
    crushed: { tags: 'violation', on: { hit: 'crushed', release: 'open' } },
  },
})

async function setUp(recorder: RecorderOptions | undefined) {
  const { meter, read, close } = memoryMeter()
  const clock = createVirtualClock()
  const telemetry = telemetryHooks({ meter, clock, flight: recorder && openFlight(recorder).flight })
  const grid = await openGrid({ clock })
  const system = createSystem({ grid, hooks: telemetry.core })
  return {
    clock,
    telemetry,
    system,
    values: async (name: string) => (await read(name)).map(({ attributes, value }) => [attributes, value]),
    async close() {
      await system.close()
      await grid.close()
      await close()
    },
  }
}

const cage = setup({}).createMachine({
  id: 'cage',
  type: 'parallel',
  states: {
    speed: {
      initial: 'low',
      states: { low: { on: { fast: 'high' } }, high: { tags: 'violation', on: { faster: 'wild' } }, wild: { tags: 'violation' } },
    },
    fence: { initial: 'shut', states: { shut: { on: { open: 'open' } }, open: { tags: 'violation' } } },
    lamp: { initial: 'off', states: { off: { on: { light: 'on' } }, on: {} } },
  },
})
const broken = setup({}).createMachine({
  id: 'broken',
  initial: 'down',
  states: { down: { tags: 'violation', on: { up: 'up' } }, up: {} },
  on: {
    boom: {
      actions: () => {
        throw new Error('boom')
      },
    },
  },
})

for (const [name, recorder] of [
  ['with a recorder', { keep: { ratio: 0 } }],
  ['without', undefined],
] as const) {
  test(`each violation that is entered is counted, whichever was there before: ${name}`, async () => {
    const bench = await setUp(recorder)
    await bench.system.spawn(cage, { id: 'cage-1' })
    const counts: unknown[] = []
    for (const type of ['fast', 'light', 'open', 'faster']) {
      bench.system.send('cage-1', { type }, { trace: bench.telemetry.startTrace(type) })
      await bench.clock.advance(1)
      counts.push((await bench.values('agent_violations_total'))[0]![1])
    }
    assert.equal(counts, [1, 1, 2, 3], 'a lamp is none')
    if (recorder !== undefined) {
      const kept = await bench.values('telemetry_traces_kept_total')
      assert.is(kept.find(([labels]) => (labels as { reason?: string }).reason === 'violation')?.[1], 3)
    }
    await bench.close()
  })
}

const fail = (): never => {
  throw new Error('no air')
}

const brake = setup({}).createMachine({
  id: 'brake',
  initial: 'off',
  context: { force: 0 },
  states: {
    off: { on: { touch: 'touched', brake: 'braking', measure: 'measuring' } },
    touched: { tags: 'violation', always: 'off' },
    braking: { tags: 'violation', entry: fail },
    measuring: { tags: 'violation', entry: assign(fail) },
  },
})

test('a violation that is left at once, or whose entry throws, is counted, kept and told in its trace', async () => {
  const { clock, flight, spans } = openFlight({ keep: { ratio: 0, errors: false }, maxSpansPerTrace: 4 })
  const { meter, read, close } = memoryMeter()
  const telemetry = telemetryHooks({ meter, clock, flight })
  const grid = await openGrid({ clock })
  const system = createSystem({ grid, hooks: telemetry.core })
  await system.spawn(brake, { id: 'b1', supervision: { maxRestarts: 9, backoff: { minMs: 1, maxMs: 1 } } })
  for (const [type, state] of [
    ['touch', 'touched'],
    ['brake', 'braking'],
    ['measure', 'measuring'],
  ] as const) {
    const trace = telemetry.startTrace(type)
    system.send('b1', { type }, { trace })
    for (let i = 0; i < 9; i++) system.send('b1', { type: 'nothing' }, { trace })
    await clock.advance(100)
    const told = spans().filter(({ traceId }) => traceId === trace.traceId)
    const violation = told.find(({ name }) => name === 'brake violation')
    assert.is(violation?.attributes['agent.violation'], state, 'also where there is no room for all')
    assert.ok(told.some(({ attributes }) => attributes['agent.keep.reason'] === 'violation'))
  }
  assert.is((await read('agent_violations_total'))[0]?.value, 3)
  await system.close()
  await grid.close()
  await close()
})

test('an agent that begins in a violation has entered it', async () => {
  const bench = await setUp(undefined)
  await bench.system.spawn(broken, { id: 'b1', supervision: { maxRestarts: 3, backoff: { minMs: 1, maxMs: 1 } } })
  const told = async (): Promise<unknown> => (await bench.values('agent_violations_total'))[0]![1]
  assert.is(await told(), 1)
  for (const type of ['up', 'boom']) bench.system.send('b1', { type })
  await bench.clock.advance(100)
  assert.is(await told(), 2, 'and again after a restart from the beginning')
  await bench.close()
})

const recorders: Readonly<Record<string, RecorderOptions | undefined>> = {
  'a trace that is kept': {},
  'a trace that is not sampled': { headRatio: 0 },
  'no rule that keeps it': { keep: { violations: false } },
  'no recorder': undefined,
}
for (const [name, recorder] of Object.entries(recorders)) {
  test(`every violation is counted: ${name}`, async () => {
    const bench = await setUp(recorder)
    await bench.system.spawn(press, { id: 'press-1' })
    const told = async (): Promise<unknown> => bench.values('agent_violations_total')
    assert.equal(await told(), [[{ agent_type: 'press' }, 0]], 'it begins at 0, so that the first one is seen')
    const trace = bench.telemetry.startTrace('frame', {}, { debug: true })
    for (const type of ['hit', 'hit', 'release', 'hit']) bench.system.send('press-1', { type }, { trace })
    await bench.clock.advance(1)
    assert.equal(await told(), [[{ agent_type: 'press' }, 2]], 'staying in the state is not entering it')
    await bench.close()
  })
}

test('restarts and dead letters begin at 0: the first of each agent is an increase', async () => {
  const bench = await setUp(undefined)
  const total = (from: readonly unknown[][]): number => from.reduce((sum, [, value]) => sum + (value as number), 0)
  const before = await bench.values('agent_restarts_total')
  assert.equal(before, [])
  for (const id of ['w1', 'w2']) await bench.system.spawn(press, { id })
  assert.equal(
    await bench.values('agent_restarts_total'),
    ['w1', 'w2'].map((agent_id) => [{ agent_type: 'press', agent_id }, 0]),
  )
  const letters = await bench.values('dead_letters_total')
  assert.equal([letters.length, total(letters)], [10, 0])
  bench.system.send('nobody', { type: 'hit' })
  await bench.clock.advance(1)
  const after = await bench.values('dead_letters_total')
  assert.equal([after.length, total(after)], [10, 1])
  await bench.close()
})

test('agents beyond the bound restart under their own type, and take no place from what decides', async () => {
  const { meter, read, close } = memoryMeter()
  const { core } = telemetryHooks({ meter, clock: createVirtualClock(), maxLabelValues: 2 })
  const jobs = ['j1', 'j2', 'j3'].map((id) => agentInfo({ id, type: 'job' }))
  for (const job of jobs) core.onSpawn!(job)
  for (const job of jobs) core.onRestart!(job, 1, 'initial')
  assert.equal(
    (await read('agent_restarts_total')).map(({ attributes, value }) => [attributes, value]),
    ['j1', 'j2', 'other'].map((agent_id) => [{ agent_type: 'job', agent_id }, 1]),
  )
  core.onTransitionEnd!(endOf({ agent: agentInfo({ id: 'p1', type: 'planner', stage: 'planning' }) }))
  assert.equal(
    (await read('agent_decision_latency_seconds')).map(({ attributes }) => attributes),
    [{ agent_type: 'planner', agent_id: 'p1' }],
  )
  await close()
})

test('policies begin at 0 with the agents that invoke them, and supervisors with themselves', async () => {
  const bench = await setUp(undefined)
  const breaks = setup({}).createMachine({ id: 'robot', on: { boom: { actions: () => assert.unreachable() } } })
  const never = fromPromise(() => new Promise(() => {}))
  const planner = setup({}).createMachine({
    id: 'planner',
    initial: 'idle',
    states: {
      idle: { on: { go: 'thinking' } },
      thinking: {
        invoke: [
          { id: 'policy:grasp', src: never, onError: 'idle' },
          { id: 'policy:place', src: never, onDone: 'idle' },
          // Whatever it says, nobody listens: its failure is one of the agent.
          { id: 'policy:warm', src: never },
          { id: 'camera', src: never },
        ],
      },
    },
  })
  await bench.system.spawn(planner, { id: 'p1' })
  assert.equal(await bench.values('policy_inference_errors_total'), [
    [{ policy: 'grasp' }, 0],
    [{ policy: 'place' }, 0],
    [{ policy: 'warm' }, 0],
  ])
  await bench.system.supervise({ id: 'cell', maxRestarts: 0, children: [child(breaks, { id: 'r1' })] })
  assert.equal(await bench.values('agent_escalations_total'), [[{ supervisor: 'cell' }, 0]])
  bench.system.send('r1', { type: 'boom' })
  await bench.clock.advance(1)
  assert.equal(await bench.values('agent_escalations_total'), [[{ supervisor: 'cell' }, 1]])
  await bench.close()
})

test('stale and slow decisions begin at 0 when the agent is spawned; slow ones where there is an objective', async () => {
  const { meter, read, close } = memoryMeter()
  const clock = createVirtualClock()
  const alarms = createAlarms({ clock, telemetry: telemetryHooks({ meter, clock }), slo: { press: { seconds: 1 } } })
  await using grid = await openGrid({ clock })
  await using system = createSystem({ grid, hooks: alarms.core })
  await system.spawn(press, { id: 'w1' })
  await system.spawn(press, { id: 'o1', type: 'other' })
  for (const name of ['agent_stale_decisions_total', 'agent_slo_breaches_total']) {
    const series = (await read(name)).map(({ attributes, value }) => [attributes, value])
    const other = [{ agent_type: 'other' }, 0]
    assert.equal(series, [[{ agent_type: 'press' }, 0], ...(name === 'agent_slo_breaches_total' ? [] : [other])], name)
  }
  alarms.close()
  await close()
})

test.run()
