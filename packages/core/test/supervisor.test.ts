import { createVirtualClock } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isCoreError } from '../src/index.ts'
import { createSupervisor, decide, resolveSupervisionOptions, type SupervisionOptions } from '../src/supervision/supervisor.ts'

const test = suite('supervisor')

const options = (given: SupervisionOptions = {}): ReturnType<typeof resolveSupervisionOptions> => resolveSupervisionOptions(given)

test('pauses grow with the restarts in the window, up to the longest', () => {
  const resolved = options({ maxRestarts: 100, withinMs: 1000, backoff: { minMs: 10, maxMs: 60, factor: 2 } })
  const delays = [[], [0], [0, 0], [0, 0, 0], [0, 0, 0, 0]].map((history) => decide(history, resolved, 0, 1))
  assert.equal(
    delays,
    [10, 20, 40, 60, 60].map((delayMs) => ({ type: 'restart', delayMs })),
  )
})

test('restarts older than the window are forgotten', () => {
  const resolved = options({ maxRestarts: 2, withinMs: 100 })
  assert.is(decide([0, 50], resolved, 0, 99).type, 'stop')
  assert.equal(decide([0, 50], resolved, 0, 100), { type: 'restart', delayMs: 20 })
})

test('jitter shortens the pause by up to its part', () => {
  const resolved = options({ backoff: { minMs: 100, jitter: 0.5 } })
  assert.equal(
    [0, 0.5, 1].map((random) => decide([], resolved, random, 0)),
    [100, 75, 50].map((delayMs) => ({ type: 'restart', delayMs })),
  )
})

test('no restarts allowed: the first failure is the last', () => {
  assert.equal(decide([], options({ maxRestarts: 0 }), 0, 0), { type: 'stop' })
})

test('the process restarts after the pause, and not once it is closed', async () => {
  const clock = createVirtualClock()
  const restarts: number[] = []
  const supervisor = createSupervisor(
    options({ backoff: { minMs: 100 } }),
    clock,
    () => 0,
    () => void restarts.push(clock.now()),
  )
  supervisor.failed()
  await clock.advance(99)
  assert.equal(restarts, [])
  await clock.advance(1)
  supervisor.failed()
  await clock.advance(200)
  assert.equal(restarts, [100, 300])
  supervisor.failed()
  supervisor.close()
  assert.is(clock.pending, 0)
})

test('bad options are quoted', () => {
  const cases: readonly [object, RegExp][] = [
    [{ maxRestarts: -1 }, /supervision\.maxRestarts is -1/],
    [{ withinMs: Number.NaN }, /supervision\.withinMs is NaN/],
    [{ backoff: { minMs: -5 } }, /minMs is -5/],
    [{ backoff: { minMs: 50, maxMs: 10 } }, /maxMs is 10: give a number of at least 50/],
    [{ backoff: { factor: 0.5 } }, /factor is 0\.5/],
    [{ backoff: { jitter: '1' } }, /jitter is "1": give a number from 0 to 1/],
  ]
  for (const [given, pattern] of cases) {
    assert.throws(
      () => options(given as SupervisionOptions),
      (error: Error) => isCoreError(error, 'BAD_OPTION') && pattern.test(error.message),
    )
  }
})

test.run()
