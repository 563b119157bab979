import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createRandom } from '../src/random.ts'
import { batchMean } from '../src/statistics.ts'

const test = suite('statistics')

test('mean and standard error of a worked example', () => {
  const { mean, standardError, batches } = batchMean([2, 4, 4, 4, 5, 5, 7, 9])
  assert.is(mean, 5)
  assert.is(batches, 8)
  assert.ok(Math.abs(standardError - Math.sqrt(32 / 7 / 8)) < 1e-12)
})

test('one batch proves nothing: its error is unbounded', () => {
  assert.is(batchMean([3]).standardError, Number.POSITIVE_INFINITY)
})

test('the same seed gives the same numbers, another stream others', () => {
  const draw = (seed: number, stream: number): number[] => {
    const random = createRandom(seed, stream)
    return Array.from({ length: 5 }, () => random.uniform())
  }
  assert.equal(draw(7, 0), draw(7, 0))
  assert.not.equal(draw(7, 0), draw(7, 1))
  assert.not.equal(draw(7, 0), draw(8, 0))
})

test('exponential draws have the mean and the spread of the law', () => {
  const random = createRandom(3, 2)
  const draws = Array.from({ length: 100_000 }, () => random.exponential(250))
  const { mean, standardError } = batchMean(draws)
  assert.ok(Math.abs(mean - 250) < 4 * standardError, `mean ${mean}`)
  assert.ok(Math.abs(standardError * Math.sqrt(draws.length) - 250) < 5)
})

test.run()
