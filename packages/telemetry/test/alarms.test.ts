import { createSystem } from '@stigmergy/core'
import { createVirtualClock, openGrid } from '@stigmergy/grid'
import {
  createAlarms,
  gridBaselines,
  isTelemetryError,
  memoryBaselines,
  telemetryHooks,
  type Alarm,
  type AlarmEvent,
  type Alarms,
  type AlarmsOptions,
} from '@stigmergy/telemetry'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { meterInstruments } from '../src/metrics/meter-instruments.ts'
import { memoryMeter } from './support/otel.ts'
import { seeded } from './support/seeded.ts'
import { agentInfo, endOf } from './support/transitions.ts'
import { setup } from './support/xstate.ts'

const test = suite('alarms')

const open = (options: Partial<AlarmsOptions> = {}) => {
  const clock = createVirtualClock()
  const { meter, read } = memoryMeter()
  const kept: string[] = []
  const keep = (trace: { traceId: string }, reason: string): void => void kept.push(`${trace.traceId} ${reason}`)
  const telemetry = { keep, instruments: meterInstruments(meter) }
  const alarms = createAlarms({ clock, telemetry, ...options })
  const told: Alarm[] = []
  alarms.on((alarm) => told.push(alarm))
  return { alarms, clock, read, kept, told }
}
const trace = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 }
const planner = { id: 'p1', type: 'planner' }

test('a stale decision is told in the same tick, and its trace is kept', async () => {
  const { alarms, told, kept, read } = open({ stale: { maxAgeMs: 50 } })
  assert.is(alarms.decided(planner, { action: 'assign', readAgesMs: [1, 50] }), true)
  assert.is((await read('agent_stale_decisions_total'))[0]?.value, 0, 'a counter begins at 0, so that its first increase is seen')
  assert.is(alarms.decided(planner, { action: 'assign', readAgesMs: [1, 51], trace }), false)
  assert.equal(
    told.map(({ kind, state, value, limit, agentId }) => ({ kind, state, value, limit, agentId })),
    [{ kind: 'stale', state: 'raised', value: 51, limit: 50, agentId: 'p1' }],
  )
  assert.match(told[0]!.message, /planner p1 decided on a world that is 51 ms old; the limit is 50 ms/)
  assert.equal(kept, [`${trace.traceId} stale`])
  assert.is(alarms.decided(planner, { action: 'assign', readAgesMs: [Infinity] }), false, 'a source never heard of is not fresh')
  assert.is(alarms.decided(planner, { action: 'assign', readAgesMs: [NaN] }), false)
  // From JavaScript anything may come: nothing is thrown into the agent, and what is not known is not fresh.
  for (const readAgesMs of [5, ['500'], 'old']) assert.is(alarms.decided(planner, { action: 'assign', readAgesMs } as never), false)
  for (const wrong of [[planner], []]) assert.is((alarms.decided as (...args: unknown[]) => boolean)(...wrong), false)
  assert.is((await read('agent_stale_decisions_total'))[0]?.value, 6)
  assert.is(alarms.active.length, 0, 'a stale decision is over when it is made')
})

test('decisions that drift raise one alarm, published as sigma, and clear it', async () => {
  const { alarms, told, read } = open({ budget: { agents: 1, decisionsPerSecond: 1, falseAlarmsPerDay: 0.1 } })
  const random = seeded(4)
  const decide = (share: number) => alarms.decided(planner, { action: random() < share ? 'assign' : 'wait', trace })
  for (let i = 0; i < 20_000; i++) decide(0.5)
  assert.equal(told, [])
  for (let i = 0; i < 2000; i++) decide(0.8)
  assert.equal(
    told.map(({ kind, state }) => `${kind} ${state}`),
    ['drift raised'],
  )
  assert.is(alarms.active.length, 1)
  const [sigma] = await read('agent_decision_drift_sigma')
  assert.ok((sigma!.value as number) > 2, String(sigma!.value))
  assert.equal(sigma!.attributes, { agent_type: 'planner', agent_id: 'p1' })
  for (let i = 0; i < 10_000; i++) decide(0.5)
  assert.equal(
    told.map(({ state }) => state),
    ['raised', 'cleared'],
  )
  assert.equal(
    (await read('agent_alarms_total')).map(({ value, attributes }) => [value, attributes]),
    [
      [1, { kind: 'drift' }],
      [0, { kind: 'stale' }],
      [0, { kind: 'errors' }],
      [0, { kind: 'spread' }],
      [0, { kind: 'slo' }],
    ],
  )
})

test('a planner is degraded by an alarm about it, and told when it is over', async () => {
  const clock = createVirtualClock()
  const grid = await openGrid({ clock })
  const { meter } = memoryMeter()
  const system = createSystem({ grid })
  const alarms = createAlarms({ meter, clock, budget: { agents: 1, falseAlarmsPerDay: 0.1 } })
  system.use(alarms.core)
  alarms.notify(system, ({ agentId }) => (agentId === undefined ? [] : [agentId]))
  const machine = setup({ types: { events: {} as AlarmEvent | { type: 'part'; near: boolean } } }).createMachine({
    id: 'planner',
    type: 'parallel',
    states: {
      policy: {
        initial: 'learned',
        states: { learned: { on: { 'alarm.raised': 'safe' } }, safe: { on: { 'alarm.cleared': 'learned' } } },
      },
      work: {
        initial: 'idle',
        states: {
          idle: { on: { part: [{ guard: ({ event }: { event: { near: boolean } }) => event.near, target: 'near' }, { target: 'far' }] } },
          near: { always: 'idle' },
          far: { always: 'idle' },
        },
      },
    },
  })
  await system.spawn(machine, { id: 'p1' })
  const state = (): unknown => (system.agent('p1')?.snapshot as { readonly value: unknown } | undefined)?.value
  const random = seeded(8)
  const decide = (share: number) => alarms.decided(planner, { action: random() < share ? 'near' : 'far' })
  for (let i = 0; i < 12_000; i++) decide(0.5)
  for (let i = 0; i < 2000; i++) decide(0.9)
  await clock.advance(0)
  assert.equal(state(), { policy: 'safe', work: 'idle' })
  for (let i = 0; i < 10_000; i++) decide(0.5)
  await clock.advance(0)
  assert.equal(state(), { policy: 'learned', work: 'idle' })
  await system.close()
  alarms.close()
  await grid.close()
})

test('failures above what is expected raise at once, keep the trace, and clear when there are none', async () => {
  const { alarms, told, kept, clock } = open({ errors: { expectedPerHour: 1 } })
  const fail = (id: string) =>
    alarms.core.onFailure?.({ agent: agentInfo({ id }), error: new Error('arm'), event: 'go', trace, decision: { type: 'stop' } })
  fail('r1')
  assert.equal(told, [], 'one failure is expected')
  for (let i = 0; i < 5; i++) fail('r1')
  assert.equal(
    told.map(({ kind, state }) => `${kind} ${state}`),
    ['errors raised'],
  )
  assert.equal(kept, [`${trace.traceId} error`])
  await clock.advance(3_600_000)
  assert.is(told.at(-1)?.state, 'cleared')
  assert.is(clock.pending, 0, 'no timer is left when nothing is to be remembered')
})

test('two alarms on one telemetry: what one has raised is told, whatever the other sees', async () => {
  const { meter, read } = memoryMeter()
  const telemetry = { keep: () => {}, instruments: meterInstruments(meter) }
  const [one, other] = [1, 2].map(() => createAlarms({ clock: createVirtualClock(), telemetry })) as [Alarms, Alarms]
  for (let i = 0; i < 6; i++) {
    one.core.onFailure?.({ agent: agentInfo(), error: new Error('arm'), event: 'go', trace, decision: { type: 'stop' } })
  }
  const raised = async () => (await read('agent_alarms_active')).find(({ attributes }) => attributes['kind'] === 'errors')?.value
  assert.is(await raised(), 1)
  one.close()
  assert.is(await raised(), 0)
  other.close()
  assert.is(await raised(), undefined)
})

test('region and policy version are those of the telemetry, and of the baselines', async () => {
  const { meter, read } = memoryMeter()
  const clock = createVirtualClock()
  const asked: string[] = []
  const memory = memoryBaselines()
  const baselines = { ...memory, peek: (kind: string) => (asked.push(kind), memory.peek(kind)) }
  const telemetry = telemetryHooks({ meter, clock, region: 'eu', policyVersion: 'v2' })
  const alarms = createAlarms({ clock, telemetry, baselines })
  alarms.decided(planner, { action: 'x', readAgesMs: [1e9] })
  const [stale] = await read('agent_stale_decisions_total')
  assert.equal(stale?.attributes, { region: 'eu', policy_version: 'v2', agent_type: 'planner' })
  assert.equal(
    [...new Set(asked)],
    [JSON.stringify(['planner', 'v2', '', 'eu'])],
    'what another policy or region decided is no baseline of this one',
  )
  alarms.close()
  const other = createAlarms({ clock, telemetry, policyVersion: 'v3' })
  other.decided({ id: 'q1', type: 'picker' }, { action: 'x', readAgesMs: [1e9] })
  const labels = (await read('agent_stale_decisions_total')).at(-1)?.attributes
  assert.equal(labels, { region: 'eu', policy_version: 'v3', agent_type: 'picker' })
  other.close()
})

test('one of two systems has an agent that ends: the other of that id is still told', () => {
  const { alarms, told } = open({ budget: { agents: 1, falseAlarmsPerDay: 0.1 }, drift: { windowDecisions: 20, baselineDecisions: 400 } })
  const [left, right] = [agentInfo(planner), agentInfo(planner)]
  for (const agent of [left, right]) alarms.core.onSpawn?.(agent)
  for (let i = 0; i < 400; i++) alarms.decided(planner, { action: 'ab'[i % 2]! })
  for (let i = 0; i < 400; i++) alarms.decided(planner, { action: 'a' })
  alarms.core.onStop?.(right, 'stopped')
  assert.is(alarms.active.length, 1)
  const sent: string[] = []
  alarms.notify({ send: (id) => (sent.push(id), true) }, ({ agentId = '' }) => [agentId, 'chief'])
  alarms.core.onStop?.(left, 'stopped')
  assert.equal(
    told.map(({ state }) => state),
    ['raised', 'cleared'],
  )
  assert.match(told[1]!.message, /drift of planner p1 is over: it has ended/)
  assert.equal(sent, ['chief'], 'who has ended can take no event')
})

test('what is cleared says that all is well', async () => {
  const { alarms, told, clock } = open({
    budget: { agents: 1, falseAlarmsPerDay: 0.1 },
    drift: { windowDecisions: 20, baselineDecisions: 400 },
    slo: { robot: { seconds: 0.1, share: 0.9 } },
  })
  for (let i = 0; i < 400; i++) alarms.decided(planner, { action: 'ab'[i % 2]! })
  for (let i = 0; i < 400; i++) alarms.decided(planner, { action: 'a' })
  for (let i = 0; i < 2000; i++) alarms.decided(planner, { action: 'ab'[i % 2]! })
  for (let i = 0; i < 500; i++) alarms.core.onTransitionEnd?.(endOf({ endedAtMs: 500 }))
  for (let i = 0; i < 5000; i++) alarms.core.onTransitionEnd?.(endOf())
  for (let i = 0; i < 6; i++)
    alarms.core.onFailure?.({ agent: agentInfo(), error: new Error('arm'), event: 'go', trace, decision: { type: 'stop' } })
  await clock.advance(3_600_000)
  const cleared = told.filter(({ state }) => state === 'cleared')
  assert.equal(
    cleared.map(({ message }) => message),
    [
      'decisions of planner p1 are those of baseline 1 again',
      '90 % of the decisions of robot must take at most 0.1 s: no longer missed',
      'failures are no longer above 1 an hour',
    ],
  )
  alarms.close()
})

test('transitions of a planning agent are its decisions', async () => {
  const clock = createVirtualClock()
  const grid = await openGrid({ clock })
  const { meter, read } = memoryMeter()
  const system = createSystem({ grid })
  const alarms = createAlarms({ meter, clock, drift: { windowDecisions: 20, baselineDecisions: 400 } })
  system.use(alarms.core)
  const machine = setup({}).createMachine({
    id: 'planner',
    initial: 'a',
    states: { a: { on: { go: 'b' } }, b: { on: { go: 'a' } } },
  })
  const agent = await system.spawn(machine, { id: 'p1', stage: 'planning' })
  for (let i = 0; i < 440; i++) {
    system.send('p1', { type: 'go' })
    await clock.advance(1)
  }
  assert.is((await read('agent_decision_drift_sigma')).length, 1)
  await agent.stop()
  assert.is((await read('agent_decision_drift_sigma')).length, 0, 'an agent that has ended has no drift')
  await system.close()
  alarms.close()
  await grid.close()
})

test('a listener that throws is counted, and the others are told', () => {
  const { alarms, told } = open()
  alarms.on(() => {
    throw new Error('mine')
  })
  const off = alarms.on(() => assert.unreachable('it has ended'))
  off()
  alarms.decided(planner, { action: 'x', readAgesMs: [1e9] })
  assert.is(told.length, 1)
  assert.is(alarms.guestErrors, 1)
})

test('a listener that rejects is counted as well, and ends no process', async () => {
  const { alarms, told } = open()
  alarms.on(async () => {
    throw new Error('webhook down')
  })
  alarms.decided(planner, { action: 'x', readAgesMs: [1e9] })
  await Promise.resolve()
  assert.is(told.length, 1)
  assert.is(alarms.guestErrors, 1)
})

test('what keeps the baselines may throw: no decision fails by it, and a stale one is told', async () => {
  const fail = (): never => {
    throw new Error('mine')
  }
  const broken = { peek: fail, save() {} }
  const garbage = { peek: () => ({ version: 1 }) as never, save() {} }
  await using grid = await openGrid()
  await grid.map('telemetry.baselines', { schemaVersion: 1 }).put(JSON.stringify(['planner', '', '']), 'no baseline')
  const onError = async () => {
    throw new Error('mine')
  }
  for (const baselines of [
    broken,
    garbage,
    gridBaselines(grid, { onError }),
    gridBaselines(grid, { onError: () => assert.unreachable() }),
  ]) {
    const { alarms, told } = open({ baselines })
    assert.is(alarms.decided(planner, { action: 'x', readAgesMs: [1] }), true)
    assert.is(alarms.decided(planner, { action: 'x', readAgesMs: [1e9] }), false)
    assert.is(told.length, 1)
    assert.is(alarms.guestErrors, baselines === broken || baselines === garbage ? 2 : 0)
  }
})

test('a world of many entries has an age too', () => {
  const { alarms } = open()
  const ages = Array.from({ length: 300_000 }, () => 1)
  assert.is(alarms.decided(planner, { action: 'x', readAgesMs: ages }), true)
  assert.is(alarms.decided(planner, { action: 'x', readAgesMs: [...ages, 1e9] }), false)
})

test('an agent that drifts in one situation stays so while it does well in another, until that is learned anew', () => {
  const { alarms, told } = open({ budget: { agents: 1, falseAlarmsPerDay: 0.1 }, drift: { windowDecisions: 20, baselineDecisions: 400 } })
  const decide = (stratum: string, actions: string, times: number): void => {
    for (let i = 0; i < times; i++) alarms.decided(planner, { action: actions[i % actions.length]!, stratum })
  }
  decide('busy', 'ab', 400)
  decide('quiet', 'ab', 400)
  for (let i = 0; i < 30; i++) {
    decide('busy', 'a', 20)
    decide('quiet', 'ab', 20)
  }
  const states = (): readonly string[] => told.map(({ kind, state }) => `${kind} ${state}`)
  assert.equal(states(), ['drift raised'])
  alarms.relearn('planner', 'quiet')
  assert.equal(states(), ['drift raised'], 'that was not what drifted')
  alarms.relearn('planner', 'busy')
  assert.equal(states(), ['drift raised', 'drift cleared'])
  assert.equal(alarms.active, [])
})

test('an agent that tells its decisions is not also judged by the states it enters', () => {
  const baselines = memoryBaselines()
  const { alarms } = open({ baselines, drift: { windowDecisions: 20, baselineDecisions: 400 } })
  const agent = agentInfo({ id: 'p1', type: 'planner', stage: 'planning' })
  for (let i = 0; i < 400; i++) {
    alarms.decided(planner, { action: 'ab'[i % 2]! })
    alarms.core.onTransitionEnd?.(endOf({ agent, from: 'idle', to: `busy-${i % 3}` }))
  }
  assert.equal(baselines.peek(JSON.stringify(['planner', '', '']))?.actions, { a: 200, b: 200 })
  alarms.close()
})

test('bad options quote the value', () => {
  const refused = (options: Partial<AlarmsOptions>, quoted: RegExp) =>
    assert.throws(
      () => open(options),
      (error: Error) => isTelemetryError(error, 'BAD_OPTION') && quoted.test(error.message),
    )
  refused({ drift: { windowDecisions: 5 } }, /drift\.windowDecisions is 5: give an integer from 20/)
  refused({ drift: { baselineDecisions: 100 } }, /drift\.baselineDecisions is 100: give an integer from 2000/)
  refused({ stale: { maxAgeMs: NaN } }, /stale\.maxAgeMs is NaN/)
  refused({ slo: { planner: { seconds: 0 } } }, /slo\.planner\.seconds is 0/)
  refused({ budget: { falseAlarmsPerDay: 0 } }, /budget\.falseAlarmsPerDay is 0/)
  refused({ errors: { expectedPerHour: 0 } }, /errors\.expectedPerHour is 0/)
})

test.run()
