import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createSystem, type Dependency } from '@stigmergy/core'
import { createVirtualClock, openGrid, type Change, type Entry } from '@stigmergy/grid'
import { BUCKETS_SECONDS, createAlarms, METRICS, telemetryHooks, type TelemetryHooksOptions } from '@stigmergy/telemetry'
import { memoryMeter, memoryTracer, summary } from './support/otel.ts'
import { agentInfo, endOf } from './support/transitions.ts'
import { setup } from './support/xstate.ts'

const test = suite('metrics')

function setUp(over: Partial<TelemetryHooksOptions> = {}) {
  const { meter, read, close } = memoryMeter()
  const clock = createVirtualClock({ wallStartMs: 1_700_000_000_000 })
  return { read, close, clock, telemetry: telemetryHooks({ tracer: memoryTracer().tracer, meter, clock, region: 'eu', ...over }) }
}

const entry: Entry<unknown> = {
  key: 'p1',
  value: 1,
  version: 1,
  writer: 'w',
  schemaVersion: 1,
  ttlMs: undefined,
  source: undefined,
  trace: undefined,
  acceptedAtMs: 0,
}

test('names carry their unit, and buckets are a 1-2-5 ladder with edges at 50 and 200 ms', () => {
  for (const [name, { kind, unit }] of Object.entries(METRICS)) {
    assert.is(name.endsWith('_seconds'), unit === 's', name)
    assert.is(name.endsWith('_total'), kind === 'counter', name)
    // OTLP and the Collector add to a name what its unit says, but for what is in braces.
    assert.ok(unit === 's' || /^\{[a-z]+\}$/.test(unit) || (unit === '1' && name.endsWith('_ratio')), `${name} in ${unit}`)
  }
  assert.ok(BUCKETS_SECONDS.includes(0.05) && BUCKETS_SECONDS.includes(0.2))
  assert.equal(
    [...BUCKETS_SECONDS],
    [...BUCKETS_SECONDS].sort((a, b) => a - b),
  )
})

test('decision latency: of every agent with a stage, from mailbox to end', async () => {
  const { telemetry, read, close } = setUp({ policyVersion: 'v7' })
  telemetry.core.onTransitionEnd!(endOf({ agent: agentInfo({ stage: 'planning' }) }))
  telemetry.core.onTransitionEnd!(endOf())
  const points = await read('agent_decision_latency_seconds')
  assert.equal(
    points.map(({ attributes }) => attributes),
    [{ region: 'eu', policy_version: 'v7', agent_type: 'robot', agent_id: 'r1' }],
  )
  assert.equal(summary(points[0]), { count: 1, sum: 0.005 })
  assert.equal((points[0]!.value as { buckets: { boundaries: number[] } }).buckets.boundaries, [...BUCKETS_SECONDS])
  await close()
})

test('stage latencies go to the metric of their stage', async () => {
  const { telemetry, read, close } = setUp()
  const tagged = new Set(['stage:actuation'])
  telemetry.core.onTransitionEnd!(endOf({ agent: agentInfo({ id: 'eye', type: 'eye', stage: 'perception' }) }))
  telemetry.core.onTransitionEnd!(endOf({ agent: agentInfo({ id: 'p', type: 'planner', stage: 'planning' }), endedAtMs: 110 }))
  telemetry.core.onTransitionEnd!(endOf({ enqueuedAtMs: 100, tagsAfter: tagged }))
  telemetry.core.onTransitionEnd!(endOf({ endedAtMs: 400, tagsBefore: tagged }))
  assert.equal(summary((await read('perception_latency_seconds'))[0]), { count: 1, sum: 0.005 })
  assert.equal(summary((await read('planning_latency_seconds'))[0]), { count: 1, sum: 0.01 })
  assert.equal(summary((await read('actuation_latency_seconds'))[0]), { count: 1, sum: 0.3 })
  await close()
})

test('a transition that threw decided nothing', async () => {
  const { telemetry, read, close } = setUp()
  telemetry.core.onTransitionEnd!(endOf({ agent: agentInfo({ stage: 'planning' }), error: new Error('x') }))
  assert.equal(await read('agent_decision_latency_seconds'), [])
  assert.equal(await read('planning_latency_seconds'), [])
  await close()
})

test('a stage goes on through a restart of its agent and ends with it', async () => {
  const { telemetry, read, close } = setUp()
  const tagged = new Set(['stage:actuation'])
  telemetry.core.onTransitionEnd!(endOf({ enqueuedAtMs: 100, tagsAfter: tagged }))
  telemetry.core.onRestart!(agentInfo(), 1, 'checkpoint')
  telemetry.core.onTransitionEnd!(endOf({ endedAtMs: 1100, tagsBefore: tagged }))
  telemetry.core.onTransitionEnd!(endOf({ tagsAfter: tagged }))
  telemetry.core.onStop!(agentInfo(), 'stopped')
  telemetry.core.onTransitionEnd!(endOf({ tagsBefore: tagged }))
  assert.equal(summary((await read('actuation_latency_seconds'))[0]), { count: 1, sum: 1 })
  await close()
})

test('the time of the newest world change follows a wall clock that is set, also where nothing changes after it', async () => {
  const clock = createVirtualClock({ wallStartMs: 1_700_000_000_000 })
  let setByMs = 0
  const wall: typeof clock = Object.create(clock, { wallNow: { value: () => clock.wallNow() + setByMs } })
  const { telemetry, read, close } = setUp({ clock: wall })
  telemetry.core.onTransitionEnd!(endOf({ event: 'parts.put', enqueuedAtMs: 2000, worldAtMs: 2000 }))
  setByMs = 3_600_000
  await clock.advance(1000)
  assert.is((await read('agent_worldmodel_timestamp_seconds'))[0]!.value, 1_700_003_602)
  await close()
})

test('the world model is as new as the newest change the agent took in', async () => {
  const { telemetry, read, close } = setUp()
  const agent = agentInfo()
  // What is there already comes in any order, and may be told long after this process had it.
  telemetry.core.onTransitionEnd!(endOf({ agent, event: 'parts.put', enqueuedAtMs: 3000, worldAtMs: 2000 }))
  telemetry.core.onTransitionEnd!(endOf({ agent, event: 'parts.put', enqueuedAtMs: 3000, worldAtMs: 1000 }))
  telemetry.core.onTransitionEnd!(endOf({ agent, event: 'tick', enqueuedAtMs: 3000 }))
  telemetry.core.onTransitionEnd!(endOf({ agent, event: 'shot.put', enqueuedAtMs: 4000 }))
  telemetry.core.onTransitionEnd!(endOf({ agent, event: 'parts.put', enqueuedAtMs: 4000, worldAtMs: 4000, ignored: true }))
  const [point] = await read('agent_worldmodel_timestamp_seconds')
  assert.is(point!.value, 1_700_000_002)
  assert.equal(point!.attributes, { region: 'eu', agent_type: 'robot', agent_id: 'r1' })
  telemetry.core.onStop!(agent, 'stopped')
  assert.equal(await read('agent_worldmodel_timestamp_seconds'), [])
  await close()
})

test('the age of the world model is told when the agent decides', async () => {
  const { telemetry, read, close } = setUp()
  const planner = agentInfo({ type: 'planner', stage: 'planning' })
  telemetry.core.onTransitionEnd!(endOf({ agent: planner, event: 'tick', endedAtMs: 90 }))
  telemetry.core.onTransitionEnd!(endOf({ agent: planner, event: 'parts.put', worldAtMs: 100, endedAtMs: 110 }))
  telemetry.core.onTransitionEnd!(endOf({ agent: planner, event: 'tick', endedAtMs: 300 }))
  telemetry.core.onTransitionEnd!(endOf({ agent: planner, event: 'tick', endedAtMs: 900, ignored: true }))
  const [point] = await read('agent_worldmodel_age_seconds')
  const { count, sum } = summary(point)
  assert.equal([count, Math.round(sum * 1000)], [2, 210])
  await close()
})

test('waits in the mailbox, and agents that run, are told by type', async () => {
  const { telemetry, read, close } = setUp()
  telemetry.core.onTransitionEnd!(endOf({ enqueuedAtMs: 100, startedAtMs: 150 }))
  telemetry.core.onTransitionEnd!(endOf({ error: new Error('x'), enqueuedAtMs: 100, startedAtMs: 150 }))
  assert.equal(summary((await read('agent_mailbox_wait_seconds'))[0]), { count: 2, sum: 0.1 })
  for (const id of ['r1', 'r2', 'r3']) telemetry.core.onSpawn!(agentInfo({ id }))
  telemetry.core.onStop!(agentInfo({ id: 'r2' }), 'done')
  const [running] = await read('agents_running')
  assert.equal([running!.attributes, running!.value], [{ region: 'eu', agent_type: 'robot' }, 2])
  await close()
})

test('what waits in two systems is added up, or told apart by their names', async () => {
  const { telemetry, read, close } = setUp()
  const system = (waiting: number) => ({ agents: ['a'], agent: (id: string) => ({ id, type: 'robot', mailbox: { waiting } }) })
  const depths = async () => (await read('agent_mailbox_depth')).map(({ attributes, value }) => [attributes['system'], value])
  const ends = [telemetry.watchSystem(system(5000)), telemetry.watchSystem(system(7))]
  assert.equal(await depths(), [[undefined, 5007]])
  for (const end of ends) end()
  telemetry.watchSystem(system(5000), 'left')
  telemetry.watchSystem(system(0), 'right')
  assert.equal(await depths(), [
    ['left', 5000],
    ['right', 0],
  ])
  assert.throws(() => telemetry.watchSystem(system(1), ''), /system is ""/)
  await close()
})

test('breakers and mailboxes of a real system are told by themselves', async () => {
  const { telemetry, read, close, clock } = setUp()
  const grid = await openGrid({ clock })
  const system = createSystem({ grid, hooks: telemetry.core })
  const machine = setup({}).createMachine({ id: 'robot', initial: 'a', states: { a: {} } })
  for (const id of ['r1', 'r2']) await system.spawn(machine, { id })
  const end = telemetry.watchSystem(system)
  const depths = async () => (await read('agent_mailbox_depth')).map(({ attributes, value }) => [attributes['agent_id'], value])
  assert.equal(await depths(), [
    ['r1', 0],
    ['r2', 0],
  ])
  end()
  const full = (id: string) => ({ id, type: 'robot', mailbox: { waiting: id.length } })
  telemetry.watchSystem({ agents: ['a', 'gone', 'abc'], agent: (id) => (id === 'gone' ? undefined : full(id)) })
  assert.equal(await depths(), [
    ['a', 1],
    ['abc', 3],
  ])
  const change = { name: 'store', atMs: 0, error: undefined } as const
  telemetry.core.onDependency!({ ...change, from: 'closed', to: 'open' })
  telemetry.core.onDependency!({ ...change, from: 'open', to: 'half-open' })
  telemetry.core.onDependency!({ ...change, name: 'arm', from: 'closed', to: 'open' })
  assert.equal(
    (await read('agent_breaker_state')).map(({ attributes, value }) => [attributes['breaker'], value]),
    [
      ['store', 1],
      ['arm', 2],
    ],
  )
  await system.close()
  await grid.close()
  await close()
})

test('the breakers of two systems that have one name: the worst is told, and what a closed system leaves is not', async () => {
  const { telemetry, read, close, clock } = setUp()
  const grid = await openGrid({ clock })
  const systems = [1, 2].map(() => createSystem({ grid, hooks: telemetry.core }))
  const breaker = { failures: 1, openMs: 1000 }
  const [one, two] = systems.map((system) => system.dependency('api', { breaker })) as [Dependency, Dependency]
  const down = (dependency: Dependency) => dependency.call(() => Promise.reject(new Error('down'))).catch(() => {})
  const state = async () => (await read('agent_breaker_state')).map(({ value }) => value)
  await down(one)
  await clock.advance(900)
  await down(two)
  assert.equal(await state(), [2])
  await clock.advance(200)
  await one.call(() => Promise.resolve('up'))
  assert.equal([one.state, two.state], ['closed', 'open'])
  assert.equal(await state(), [2], 'that one is well hides not that the other is not')
  await systems[1]!.close()
  assert.equal(await state(), [0])
  await systems[0]!.close()
  await grid.close()
  await close()
})

test('two hooks, and two alarms, on one meter: what they tell is added up', async () => {
  const { meter, read, close } = memoryMeter()
  const clock = createVirtualClock()
  const [left, right] = [1, 2].map(() => telemetryHooks({ clock, meter }))
  left!.core.onSpawn!(agentInfo({ id: 'a' }))
  for (const id of ['b', 'c']) right!.core.onSpawn!(agentInfo({ id }))
  right!.core.onDependency!({ name: 'api', atMs: 0, error: undefined, from: 'closed', to: 'open' })
  assert.equal(
    (await read('agents_running')).map(({ value }) => value),
    [3],
  )
  const [one, other] = [1, 2].map(() => createAlarms({ clock, meter }))
  for (let i = 0; i < 6; i++)
    one!.core.onFailure!({ agent: agentInfo(), error: new Error('x'), event: 'e', trace: undefined, decision: { type: 'stop' } })
  const errors = async () => (await read('agent_alarms_active')).find(({ attributes }) => attributes['kind'] === 'errors')?.value
  assert.is(await errors(), 1)
  one!.close()
  assert.is(await errors(), 0)
  other!.close()
  const frozen = Object.freeze(Object.create(meter) as typeof meter)
  createAlarms({ clock, meter: frozen }).close()
  await close()
})

test('what only others know: readings and counts, and what of them is wrong', async () => {
  const { telemetry, read, close } = setUp()
  const end = telemetry.observe('journal_lag_records', () => [{ value: 7, labels: { journal: 'moves' } }, { value: Number.NaN }])
  telemetry.observe('agent_breaker_state', () => {
    throw new Error('boom')
  })
  telemetry.count('policy_inference_errors_total', 2, { policy: 'grasp' })
  telemetry.count('policy_inference_errors_total')
  telemetry.count('policy_inference_errors_total', -1)
  telemetry.count('policy_inference_errors_total', 1, { policy: 1n as unknown as string })
  assert.equal(
    (await read('journal_lag_records')).map(({ attributes, value }) => [attributes, value]),
    [[{ region: 'eu', journal: 'moves' }, 7]],
  )
  assert.equal(
    (await read('policy_inference_errors_total')).map(({ value }) => value),
    [2, 1],
  )
  end()
  assert.equal(await read('journal_lag_records'), [])
  await close()
})

test('restarts, dead letters and changes are counted', async () => {
  const { telemetry, read, close } = setUp()
  telemetry.core.onRestart!(agentInfo(), 1, 'checkpoint')
  telemetry.core.onRestart!(agentInfo(), 2, 'initial')
  telemetry.core.onDeadLetter!({ seq: 1, trace: undefined, id: undefined, agentId: 'x', event: { type: 'e' }, reason: 'stopped', atMs: 0 })
  const put: Change<unknown> = { type: 'put', key: 'p1', entry, previous: undefined }
  for (const map of ['parts', 'parts', 'robots']) telemetry.grid.onChange!(map, put)
  telemetry.grid.onChange!('parts', { type: 'expire', key: 'p1', version: 1, previous: entry })
  const read2 = async (name: string) => (await read(name)).map(({ attributes, value }) => [attributes, value])
  assert.equal(await read2('agent_restarts_total'), [[{ region: 'eu', agent_type: 'robot', agent_id: 'r1' }, 2]])
  const letters = (await read2('dead_letters_total')).filter(([, value]) => value !== 0)
  assert.equal(letters, [[{ region: 'eu', reason: 'stopped' }, 1]])
  assert.equal(await read2('grid_changes_total'), [
    [{ region: 'eu', map: 'parts', type: 'put' }, 2],
    [{ region: 'eu', map: 'robots', type: 'put' }, 1],
    [{ region: 'eu', map: 'parts', type: 'expire' }, 1],
  ])
  await close()
})

test('a thousand agents make two hundred series and one for the rest', async () => {
  const { telemetry, read, close } = setUp()
  for (let i = 0; i < 1000; i++) telemetry.core.onTransitionEnd!(endOf({ agent: agentInfo({ id: `r${i}`, stage: 'planning' }) }))
  const points = await read('agent_decision_latency_seconds')
  assert.is(points.length, 201)
  assert.is(summary(points.find(({ attributes }) => attributes['agent_id'] === 'other')).count, 800)
  await close()
})

test('task assignment is recorded; what is no time is dropped and counted', async () => {
  const { telemetry, read, close } = setUp()
  telemetry.recordTaskAssignment(0.02, { rule: 'first-free' })
  for (const bad of [Number.NaN, -1, Infinity, 'x' as unknown as number]) telemetry.recordTaskAssignment(bad)
  telemetry.recordTaskAssignment(1, { big: 1n as unknown as string })
  const points = await read('task_assignment_latency_seconds')
  assert.equal(
    points.map(({ attributes }) => attributes),
    [{ region: 'eu', rule: 'first-free' }],
  )
  assert.equal(summary(points[0]), { count: 1, sum: 0.02 })
  const drops = (await read('telemetry_dropped_total')).map(({ attributes, value }) => [attributes['what'], value])
  assert.equal(drops, [
    ['span', 0],
    ['value', 5],
    ['reading', 0],
    ['decision', 0],
    ['log', 0],
    ['detail', 0],
  ])
  await close()
})

test('a bad bound is refused', () => {
  for (const maxLabelValues of [0, -1, 1.5, Number.NaN, '9' as unknown as number]) {
    assert.throws(
      () => setUp({ maxLabelValues }),
      (error: Error) => error.message.includes('maxLabelValues') && error.name === 'TelemetryError',
    )
  }
  assert.throws(() => setUp({ region: '' }), /region is ""/)
})

test.run()
