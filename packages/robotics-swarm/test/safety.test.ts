import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isSwarmError } from '../src/errors.ts'
import { isOver, judge, resolveSafetyOptions, type SafetyInput, type SafetyState } from '../src/safety.ts'

const test = suite('safety')
const limits = resolveSafetyOptions({ limitMs: 50, holdMs: 25 })
const acknowledged = true

test('limits: defaults, and values that are refused', () => {
  assert.equal(resolveSafetyOptions(), { limitMs: 50, holdMs: 25 })
  assert.equal(resolveSafetyOptions({ limitMs: 80 }), { limitMs: 80, holdMs: 40 })
  assert.equal(resolveSafetyOptions({ limitMs: 80, holdMs: 80 }), { limitMs: 80, holdMs: 80 })
  const refused = (options: Parameters<typeof resolveSafetyOptions>[0], message: string): void => {
    assert.throws(
      () => resolveSafetyOptions(options),
      (error: unknown) => isSwarmError(error, 'BAD_OPTION') && error.message === message,
    )
  }
  refused({ limitMs: 0 }, 'limitMs is 0: give milliseconds above 0')
  refused({ limitMs: NaN }, 'limitMs is NaN: give milliseconds above 0')
  refused({ limitMs: Infinity }, 'limitMs is Infinity: give milliseconds above 0')
  refused({ holdMs: -1 }, 'holdMs is -1: give milliseconds above 0')
  refused({ limitMs: 50, holdMs: 60 }, 'holdMs is 60 and limitMs is 50: a cell holds before it stops, so give holdMs <= limitMs')
})

test('the table of decisions', () => {
  const rows: readonly (readonly [SafetyState, SafetyInput, SafetyState])[] = [
    ['RUN', { ageMs: 0 }, 'RUN'],
    ['RUN', { ageMs: 25 }, 'RUN'],
    ['RUN', { ageMs: 25.001 }, 'HOLD'],
    ['RUN', { ageMs: 50 }, 'HOLD'],
    ['RUN', { ageMs: 50.001 }, 'STOP'],
    ['RUN', { ageMs: Infinity }, 'STOP'],
    ['RUN', { ageMs: NaN }, 'STOP'],
    ['HOLD', { ageMs: 0 }, 'RUN'],
    ['HOLD', { ageMs: 30 }, 'HOLD'],
    ['HOLD', { ageMs: 51 }, 'STOP'],
    ['STOP', { ageMs: 0 }, 'STOP'],
    ['STOP', { ageMs: 51, acknowledged }, 'STOP'],
    ['STOP', { ageMs: 30, acknowledged }, 'STOP'],
    ['STOP', { ageMs: NaN, acknowledged }, 'STOP'],
    ['STOP', { ageMs: 0, acknowledged }, 'RUN'],
    ['RUN', { ageMs: 51, acknowledged }, 'STOP'],
    ['HOLD', { ageMs: 30, acknowledged }, 'HOLD'],
  ]
  for (const [state, input, expected] of rows)
    assert.equal(judge(state, input, limits), { state: expected, changed: state !== expected }, `${state} at ${JSON.stringify(input)}`)
})

test('an age of exactly the limit is not above it, whatever floating point made of it', () => {
  const at = 0.1 + 0.2 + 1_603_811_195_382.3
  for (const gap of [400, 500, 1000])
    for (const speed of [8, 10, 20, 7, 3]) assert.not(isOver(at + gap / speed - at, Math.max(gap / speed, 0.1)))
  assert.not(isOver(50.000_000_4, 50))
  assert.ok(isOver(50.001, 50))
  assert.not(isOver(1.005, 1.005))
  assert.ok(isOver(1.006, 1.005))
})

test('the same inputs give the same trace', () => {
  const inputs: readonly SafetyInput[] = [
    { ageMs: 10 },
    { ageMs: 40 },
    { ageMs: 60 },
    { ageMs: 0 },
    { ageMs: 0, acknowledged },
    { ageMs: 5 },
  ]
  const trace = (): readonly SafetyState[] => {
    let state: SafetyState = 'RUN'
    return inputs.map((input) => (state = judge(state, input, limits).state))
  }
  assert.equal(trace(), ['RUN', 'HOLD', 'STOP', 'STOP', 'RUN', 'RUN'])
  assert.equal(trace(), trace())
})

test.run()
