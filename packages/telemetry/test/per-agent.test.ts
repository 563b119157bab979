import { createVirtualClock } from '@stigmergy/grid'
import { createAlarms, telemetryHooks } from '@stigmergy/telemetry'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createLabels } from '../src/labels.ts'
import { createPerAgent } from '../src/per-agent.ts'
import { memoryMeter } from './support/otel.ts'
import { agentInfo, endOf } from './support/transitions.ts'

const test = suite('per-agent')

test('agents that share labels tell the worst of theirs, and those that have ended tell nothing', () => {
  const values = createPerAgent(createLabels({}, 1), Math.min)
  const first = agentInfo({ id: 'a' })
  const second = agentInfo({ id: 'b' })
  const third = agentInfo({ id: 'c' })
  const told = () => [...values.told()].map(([labels, value]) => [labels['agent_id'], value])
  values.set(first, 30)
  values.set(second, 10)
  values.set(third, 20)
  assert.equal(told(), [
    ['a', 30],
    ['other', 10],
  ])
  values.set(second, 40)
  assert.equal(told()[1], ['other', 20])
  values.forget(third)
  assert.equal(told()[1], ['other', 40])
  values.set(agentInfo({ id: 'a', type: 'arm' }), 5)
  assert.equal(told()[0], ['other', 5], 'an id that came back as another type has labels of that')
  for (const agent of [first, second]) values.forget(agent)
  assert.equal(told(), [])
})

test('gauges of agents beyond the bound: the oldest world, and none once all have ended', async () => {
  const { meter, read, close } = memoryMeter()
  const { core } = telemetryHooks({ meter, clock: createVirtualClock(), maxLabelValues: 1 })
  const agents = ['r1', 'r2', 'r3'].map((id) => agentInfo({ id, stage: 'planning' }))
  for (const [at, agent] of agents.entries()) core.onTransitionEnd!(endOf({ agent, event: 'parts.put', enqueuedAtMs: 3000 - 1000 * at }))
  const told = async () =>
    (await read('agent_worldmodel_timestamp_seconds')).map(({ attributes, value }) => [attributes['agent_id'], value])
  const [known, shared] = await told()
  assert.is(known?.[0], 'r1')
  assert.equal([shared?.[0], Number(known?.[1]) - Number(shared?.[1])], ['other', 2])
  for (const agent of agents) core.onStop!(agent, 'stopped' as never)
  assert.equal(await told(), [])
  await close()
})

test('drift of agents beyond the bound: none once all have ended', async () => {
  const { meter, read, close } = memoryMeter()
  const clock = createVirtualClock()
  const drift = { windowDecisions: 20, baselineDecisions: 400 }
  const alarms = createAlarms({ clock, telemetry: telemetryHooks({ meter, clock }), maxLabelValues: 1, drift })
  const agents = ['p1', 'p2', 'p3'].map((id) => agentInfo({ id, type: 'planner' }))
  for (let i = 0; i < 800; i++) for (const agent of agents) alarms.decided(agent, { action: i % 2 === 0 ? 'a' : 'b' })
  const ids = async () => (await read('agent_decision_drift_sigma')).map(({ attributes }) => attributes['agent_id'])
  assert.equal([(await ids()).length, (await ids()).at(-1)], [2, 'other'])
  for (const agent of agents) alarms.core.onStop!(agent, 'stopped' as never)
  assert.equal(await ids(), [])
  alarms.close()
  await close()
})

test.run()
