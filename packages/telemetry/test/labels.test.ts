import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createLabels } from '../src/labels.ts'
import { agentInfo } from './support/transitions.ts'

const test = suite('labels')

test('an agent has region, policy version, type and id', () => {
  const labels = createLabels({ region: 'eu', policyVersion: 'v7' }, 10)
  assert.equal({ ...labels.ofAgent(agentInfo()) }, { region: 'eu', policy_version: 'v7', agent_type: 'robot', agent_id: 'r1' })
  assert.equal({ ...labels.ofType(agentInfo()) }, { region: 'eu', policy_version: 'v7', agent_type: 'robot' })
})

test('labels that are not set are left out', () => {
  assert.equal({ ...createLabels({}, 10).with('map', 'parts') }, { map: 'parts' })
})

test('the same agent gets the same object', () => {
  const labels = createLabels({}, 10)
  assert.is(labels.ofAgent(agentInfo()), labels.ofAgent(agentInfo()))
})

test('ids beyond the bound are other; those before keep their name', () => {
  const labels = createLabels({}, 200)
  const seen = new Set(Array.from({ length: 1000 }, (_, i) => labels.ofAgent(agentInfo({ id: `r${i}` }))['agent_id']))
  assert.is(seen.size, 201)
  assert.ok(seen.has('r199') && seen.has('other') && !seen.has('r200'))
  assert.is(labels.ofAgent(agentInfo({ id: 'r0' }))['agent_id'], 'r0')
  assert.equal({ ...labels.ofAgent(agentInfo({ id: 'r999' })) }, { agent_type: 'robot', agent_id: 'other' })
})

test('beyond the bound of ids an agent keeps its type, and one whose id is `other` shares with those', () => {
  const labels = createLabels({}, 1)
  labels.ofAgent(agentInfo({ id: 'r0' }))
  const [arm, planner] = ['arm', 'planner'].map((type) => labels.ofAgent(agentInfo({ id: 'x', type })))
  assert.equal({ ...arm }, { agent_type: 'other', agent_id: 'other' })
  assert.is(planner, arm)
  const two = createLabels({}, 2)
  for (const id of ['a', 'b']) two.ofAgent(agentInfo({ id }))
  assert.equal({ ...two.ofAgent(agentInfo({ id: 'c', type: 'planner' })) }, { agent_type: 'planner', agent_id: 'other' })
  assert.is(two.ofAgent(agentInfo({ id: 'other' })), two.ofAgent(agentInfo({ id: 'd' })))
  assert.is(two.ownOf(agentInfo({ id: 'c', type: 'planner' })), undefined)
})

test('asking for labels of its own takes no place', () => {
  const labels = createLabels({}, 1)
  assert.is(labels.ownOf(agentInfo({ id: 'a' })), undefined)
  assert.is(labels.ofAgent(agentInfo({ id: 'b' }))['agent_id'], 'b')
  assert.is(labels.ownOf(agentInfo({ id: 'b' })), labels.ofAgent(agentInfo({ id: 'b' })))
})

test('an id that comes back as another type has labels of that type, within the bound', () => {
  const labels = createLabels({}, 2)
  const robot = agentInfo({ id: 'a1', type: 'robot' })
  const conveyor = agentInfo({ id: 'a1', type: 'conveyor' })
  const first = labels.ofAgent(robot)
  assert.is(labels.ownOf(conveyor), undefined)
  assert.equal({ ...labels.ofAgent(conveyor) }, { agent_type: 'conveyor', agent_id: 'a1' })
  assert.is(labels.ofAgent(conveyor), labels.ofAgent(conveyor))
  assert.is(labels.ofAgent(robot), first)
  assert.is(labels.ownOf(robot), first)
  assert.is(labels.ownOf(conveyor), labels.ofAgent(conveyor))
  assert.equal(
    { ...labels.ofAgent(agentInfo({ id: 'a1', type: 'arm' })) },
    { agent_type: 'other', agent_id: 'other' },
    'a third type of two',
  )
})

test.run()
