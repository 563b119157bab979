import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { stageName, stageOfTransition, stepStages } from '../src/stages.ts'
import { agentInfo, endOf } from './support/transitions.ts'

const test = suite('stages')
const acting = new Set(['stage:actuation', 'busy'])
const none = new Set<string>()

test('perception and planning are done by a transition, mailbox time included', () => {
  for (const stage of ['perception', 'planning']) {
    assert.equal(stageOfTransition(endOf({ agent: agentInfo({ stage }) })), { stage, seconds: 0.005 })
  }
})

test('actuation and unknown stages are not done by one transition', () => {
  for (const stage of ['actuation', 'dreaming', undefined]) assert.is(stageOfTransition(endOf({ agent: agentInfo({ stage }) })), undefined)
})

test('a tag of the same name counts instead of the transition', () => {
  const end = endOf({ agent: agentInfo({ stage: 'planning' }), tagsAfter: new Set(['stage:planning']) })
  assert.is(stageOfTransition(end), undefined)
})

test('a tagged stage lasts from the event that entered to the end of the transition that left', () => {
  const entered = stepStages(undefined, endOf({ enqueuedAtMs: 100, endedAtMs: 105, tagsAfter: acting }))
  assert.equal(entered.ended, [])
  const stayed = stepStages(entered.starts, endOf({ enqueuedAtMs: 200, endedAtMs: 201, tagsBefore: acting, tagsAfter: acting }))
  assert.equal(stayed.ended, [])
  const left = stepStages(stayed.starts, endOf({ enqueuedAtMs: 340, endedAtMs: 350, tagsBefore: acting, tagsAfter: none }))
  assert.equal(left.ended, [{ stage: 'actuation', seconds: 0.25 }])
  assert.is(left.starts.size, 0)
})

test('two tagged stages may overlap', () => {
  const one = stepStages(undefined, endOf({ enqueuedAtMs: 0, tagsAfter: new Set(['stage:a']) }))
  const two = stepStages(
    one.starts,
    endOf({ enqueuedAtMs: 10, endedAtMs: 20, tagsBefore: new Set(['stage:a']), tagsAfter: new Set(['stage:a', 'stage:b']) }),
  )
  const end = stepStages(two.starts, endOf({ endedAtMs: 40, tagsBefore: new Set(['stage:a', 'stage:b']), tagsAfter: new Set(['stage:b']) }))
  assert.equal(end.ended, [{ stage: 'a', seconds: 0.04 }])
  assert.equal([...end.starts], [['b', 10]])
})

test('a stage restored from elsewhere has no known start: nothing is measured', () => {
  const left = stepStages(undefined, endOf({ tagsBefore: acting }))
  assert.equal(left.ended, [])
})

test('a stage lost by a restart is forgotten, not measured', () => {
  const entered = stepStages(undefined, endOf({ tagsAfter: acting }))
  const restored = stepStages(entered.starts, endOf({ tagsBefore: new Set(['busy']), tagsAfter: none }))
  assert.equal(restored.ended, [])
  assert.is(restored.starts.size, 0)
})

test('an agent without tags costs nothing', () => {
  const step = stepStages(undefined, endOf())
  assert.is(step.starts, stepStages(undefined, endOf()).starts)
})

test('the stage of a span: the agent first, then the state entered, then the state left', () => {
  assert.is(stageName(endOf({ agent: agentInfo({ stage: 'planning' }), tagsAfter: acting })), 'planning')
  assert.is(stageName(endOf({ tagsAfter: acting })), 'actuation')
  assert.is(stageName(endOf({ tagsBefore: acting })), 'actuation')
  assert.is(stageName(endOf()), undefined)
})

test.run()
