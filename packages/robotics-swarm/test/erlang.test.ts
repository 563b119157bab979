import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { erlangB, orderedEntryLoads } from '../src/erlang.ts'

const test = suite('erlang')

const near = (actual: number, expected: number): void => assert.ok(Math.abs(actual - expected) < 5e-5, `${actual} is not ${expected}`)

test('reproduces the published loss table', () => {
  near(erlangB(4, 2), 0.0952)
  near(erlangB(4, 3), 0.2061)
  near(erlangB(8, 6), 0.1219)
  near(erlangB(16, 14), 0.1145)
  near(erlangB(100, 90), 0.027)
})

test('gives each robot its share in belt order', () => {
  const loads = orderedEntryLoads(4, 3)
  for (const [i, expected] of [0.75, 0.6618, 0.5498, 0.4201].entries()) near(loads[i] ?? 0, expected)
  const carried = loads.reduce((sum, load) => sum + load, 0)
  near(carried, 3 * (1 - erlangB(4, 3)))
})

test.run()
