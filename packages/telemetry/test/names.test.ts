import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { statePath, transitionName } from '../src/names.ts'

const test = suite('names')

test('a state value becomes a path', () => {
  assert.is(statePath('idle'), 'idle')
  assert.is(statePath('{"picking":"reach"}'), 'picking.reach')
  assert.is(statePath('{"picking":{"reach":"down"}}'), 'picking.reach.down')
})

test('parallel states stand beside each other', () => {
  assert.is(statePath('{"arm":"idle","belt":{"run":"fast"}}'), 'arm.idle|belt.run.fast')
})

test('a region without a child is its name', () => {
  assert.is(statePath('{"arm":{},"belt":"on"}'), 'arm|belt.on')
})

test('what is no JSON stays as it is', () => {
  assert.is(statePath('{broken'), '{broken')
  assert.is(statePath('{}'), '{}')
})

test('the name of a span has type and transition, no id', () => {
  assert.is(transitionName('robot', 'idle', 'picking.reach'), 'robot idle -> picking.reach')
})

test.run()
