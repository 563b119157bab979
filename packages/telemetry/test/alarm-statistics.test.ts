import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { gTest, poolRare, populationStability } from '../src/alarms/categorical.ts'
import { cusumLimit, cusumRunLength, cusumStep } from '../src/alarms/cusum.ts'
import { chiSquaredUpper, logGamma, upperGamma } from '../src/alarms/gamma.ts'
import { normalQuantile, normalUpper, normalUpperQuantile } from '../src/alarms/normal.ts'
import { poissonCusum } from '../src/alarms/poisson-cusum.ts'
import { Spread } from '../src/alarms/spread.ts'
import { seeded } from './support/seeded.ts'

const test = suite('statistics of alarms')

const near = (actual: number, expected: number, part: number): void =>
  assert.ok(Math.abs(actual - expected) <= Math.abs(expected) * part, `${actual} is not within ${part * 100} % of ${expected}`)

test('the gamma function and its tail', () => {
  near(Math.exp(logGamma(5)), 24, 1e-12)
  near(Math.exp(logGamma(0.5)), Math.sqrt(Math.PI), 1e-12)
  near(upperGamma(1, 3), Math.exp(-3), 1e-12)
  near(upperGamma(1, 0.2), Math.exp(-0.2), 1e-12)
  assert.is(upperGamma(2, 0), 1)
  assert.is(upperGamma(2, Infinity), 0)
})

test('tabled quantiles of chi-squared', () => {
  for (const [x, degrees, p] of [
    [3.841, 1, 0.05],
    [11.07, 5, 0.05],
    [15.086, 5, 0.01],
    [29.588, 10, 0.001],
  ] as const) {
    near(chiSquaredUpper(x, degrees), p, 0.001)
  }
})

test('the normal distribution both ways, far into the tail', () => {
  near(normalQuantile(0.975), 1.959963984540054, 1e-12)
  near(normalUpper(1.959963984540054), 0.025, 1e-10)
  near(normalUpper(8), 6.220960574271785e-16, 1e-6)
  for (const z of [-4, -1, 0.3, 2, 6]) near(normalUpperQuantile(normalUpper(z)), z, 1e-8)
  assert.is(normalQuantile(0), -Infinity)
  assert.is(normalQuantile(1), Infinity)
  assert.ok(Number.isNaN(normalQuantile(1.5)))
})

test('run lengths of the CUSUM are those of the textbooks', () => {
  // Montgomery, Introduction to Statistical Quality Control, table 9.3 (k = 0.5, two-sided; two sides alarm twice as often).
  for (const [h, inControl, oneSigma, twoSigma] of [
    [4, 168, 8.38, 3.34],
    [5, 465, 10.4, 4.01],
  ] as const) {
    near(cusumRunLength(h, 0.5) / 2, inControl, 0.005)
    near(cusumRunLength(h, 0.5, 1), oneSigma, 0.005)
    near(cusumRunLength(h, 0.5, 2), twoSigma, 0.005)
  }
  near(cusumRunLength(8, 0.5), 1.9e4, 0.01)
  near(cusumRunLength(10, 0.5), 1.4e5, 0.01)
})

test('a budget becomes a limit, and the limit keeps the budget', () => {
  for (const runLength of [5, 10, 931, 8.6e5, 1e9]) near(cusumRunLength(cusumLimit(runLength, 0.5), 0.5), runLength, 0.001)
  near(cusumLimit(8.6e5, 0.5), 11.82, 0.002)
  near(cusumRunLength(cusumLimit(1e4, 0.1), 0.1), 1e4, 0.001)
  assert.throws(() => cusumLimit(1, 0.5), /runLength is 1/)
  assert.throws(() => cusumLimit(100, 5), /k is 5/)
  assert.is(cusumStep(0, -1, 0.5), 0)
  assert.is(cusumStep(1, 2, 0.5), 2.5)
})

test('the worked table of the population stability index', () => {
  const { psi, p } = populationStability([177, 262, 285, 158, 88, 25, 6], [253, 302, 204, 134, 72, 26, 8])
  near(psi, 0.0677, 0.001)
  assert.ok(p < 0.05)
  // Its critical value at 5 %.
  near(chiSquaredUpper(0.0252 / (1 / 1001 + 1 / 999), 6), 0.05, 0.01)
  assert.ok(populationStability([0, 10], [5, 5]).psi < Infinity, 'an empty category is no infinity')
})

test('the G-test: no change, a change, and samples that say nothing', () => {
  const same = gTest([30, 25, 20, 10, 10, 5], [3000, 2500, 2000, 1000, 1000, 500])
  assert.is(same.g, 0)
  assert.is(same.degrees, 5)
  assert.is(same.z, -8)
  assert.is(gTest([100, 0], [0, 10_000]).z, 8)
  assert.equal(gTest([10], [100]), { g: 0, degrees: 0, p: 1, z: 0 })
  assert.equal(gTest([0, 0], [5, 5]), { g: 0, degrees: 0, p: 1, z: 0 })
  // By hand: 2 sum O ln(O/E) = 7.886 and Williams' q = 1.0107.
  const { g } = gTest([30, 20], [100, 160])
  near(g, 7.886 / 1.0107, 0.001)
})

test('the G-test keeps its size: 5 % of healthy windows are over 5 %', () => {
  const random = seeded(11)
  const shares = [0.3, 0.25, 0.2, 0.1, 0.1, 0.05]
  const baseline = shares.map((share) => share * 10_000)
  let over = 0
  const windows = 4000
  for (let i = 0; i < windows; i++) {
    const counts = shares.map(() => 0)
    for (let n = 0; n < 100; n++) {
      let u = random()
      let at = 0
      while (at < shares.length - 1 && u >= shares[at]!) u -= shares[at++]!
      counts[at]! += 1
    }
    if (gTest(counts, baseline).p < 0.05) over += 1
  }
  assert.ok(over / windows > 0.04 && over / windows < 0.06, `${over} of ${windows}`)
})

test('rare categories are pooled until they can be expected', () => {
  assert.equal([...poolRare([6000, 3000, 700, 200, 80, 20], 100)], [5, 4, 3, 2])
  assert.equal([...poolRare([50, 50], 100)], [])
  assert.equal([...poolRare([999, 1], 100)], [1])
  assert.equal([...poolRare([1000], 100)], [])
})

test('a Poisson CUSUM keeps the run length it was asked for, in a simulation', () => {
  const cusum = poissonCusum(1, 2, 500)
  assert.ok(cusum.runLength >= 500)
  const random = seeded(5)
  const windows = 400_000
  let [total, alarms] = [0, 0]
  for (let i = 0; i < windows; i++) {
    let [count, product] = [0, random()]
    while (product > Math.exp(-1)) {
      product *= random()
      count += 1
    }
    total = Math.max(0, total + count - cusum.k)
    if (total < cusum.h - 1e-9) continue
    alarms += 1
    total = 0
  }
  near(windows / alarms, cusum.runLength, 0.1)
  assert.throws(() => poissonCusum(0, 1, 100), /0 < mean < shifted/)
  assert.throws(() => poissonCusum(100, 100.1, 1e9), /too small/)
})

test('a failure is the effect of another agent on whose failing step its event depends', () => {
  const spread = new Spread(1000, 4)
  const context = (spanId: string) => ({ traceId: 't', spanId, traceFlags: 1 })
  const step = (id: string, from: string | undefined, own: string, error?: Error) =>
    spread.ended({
      agent: { id, type: 'robot', stage: undefined },
      trace: from === undefined ? undefined : context(from),
      context: context(own),
      error,
    })
  const fail = (id: string, from: string | undefined, own: string, atMs: number) => {
    step(id, from, own, new Error('x'))
    return spread.failed({ agentId: id, agentType: 'robot', trace: context(own), atMs, message: 'x' })
  }
  assert.is(fail('a', 'root', '1', 0).secondary, 0)
  step('between', '1', '2')
  const second = fail('b', '2', '3', 1)
  assert.is(second.infected.cause?.agentId, 'a')
  assert.is(second.reproduction, 1)
  assert.is(fail('a', 'root', '4', 2).infected.cause, undefined, 'a sibling')
  assert.is(fail('c', undefined, '5', 3).infected.cause, undefined)
  assert.is(spread.failures.length, 4)
  assert.is(fail('a', '3', '6', 4).infected.cause?.agentId, 'b', 'of another agent')
  assert.is(spread.failures.length, 4, 'bounded')
  // As often as an agent infects itself the one before it is still known, and what is remembered has a bound.
  for (let i = 7; i < 10_000; i++) step('a', `${i - 1}`, `${i}`, new Error('x'))
  assert.is(fail('d', '9999', '10000', 5).infected.cause?.agentId, 'a')
  assert.equal(spread.reading(2000), { reproduction: 0, secondary: 0 })
})

test.run()
