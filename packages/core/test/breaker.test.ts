import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { admit, CLOSED, elapse, settle, type Breaker, type ResolvedBreakerOptions } from '../src/dependencies/breaker.ts'
import { below, forSeeds } from './seeds.ts'

const test = suite('breaker')

const options: ResolvedBreakerOptions = { failures: 3, openMs: 100, maxOpenMs: 300, factor: 2, jitter: 0, probes: 1 }

const failing = (breaker: Breaker, times: number, nowMs: number): Breaker =>
  Array.from({ length: times }).reduce<Breaker>((b) => settle(admit(b, options) ?? b, b.era, 'failure', options, 0, nowMs), breaker)

test('failures in a row open it, a success between them does not', () => {
  const two = failing(CLOSED, 2, 0)
  assert.is(two.state, 'closed')
  assert.equal(settle(two, two.era, 'success', options, 0, 0), CLOSED)
  assert.equal(settle(two, two.era, 'void', options, 0, 0), two)
  assert.equal(failing(two, 1, 50), { state: 'open', era: 1, trips: 1, untilMs: 150 })
})

test('open it lets nobody through; half open one probe, which closes it or opens it for longer, up to the longest', () => {
  let breaker = failing(CLOSED, 3, 0)
  const times: number[] = []
  for (let nowMs = 0, i = 0; i < 4; i++) {
    assert.ok(breaker.state === 'open')
    assert.is(admit(breaker, options), undefined)
    times.push(breaker.untilMs - nowMs)
    assert.is(elapse(breaker, breaker.untilMs - 1), breaker)
    nowMs = breaker.untilMs
    const probing = admit(elapse(breaker, nowMs), options) as Breaker
    assert.is(admit(probing, options), undefined)
    breaker = settle(probing, probing.era, 'failure', options, 0, nowMs)
  }
  assert.equal(times, [100, 200, 300, 300])
  const probing = admit(elapse(breaker, 10_000), options) as Breaker
  const closed = settle(probing, probing.era, 'success', options, 0, 10_000)
  assert.equal([closed.state, closed.trips], ['closed', 0])
  assert.is(admit(settle(probing, probing.era, 'void', options, 0, 0), options)?.state, 'half-open', 'a probe that was given up is none')
})

test('what began in another era counts no more; jitter shortens the time', () => {
  const open = failing(CLOSED, 3, 0)
  const half = elapse(open, 100)
  assert.is(settle(half, 0, 'failure', options, 0, 100), half)
  assert.is(settle(half, 0, 'success', options, 0, 100), half)
  const jittered = settle(failing(CLOSED, 2, 0), 0, 'failure', { ...options, jitter: 0.5 }, 1, 0)
  assert.ok(jittered.state === 'open' && jittered.untilMs === 50)
})

/** What it should do, in the simplest words: a list of what happened. */
class Model {
  state: 'closed' | 'open' | 'half-open' = 'closed'
  failures = 0
  trips = 0
  untilMs = 0
  underWay = 0
  good = 0
  era = 0
  go(state: Model['state']): void {
    this.state = state
    this.era += 1
    this.failures = this.underWay = this.good = 0
  }
}

test('it does what a simple model does, whatever comes in whatever order (seeded)', async () => {
  const seen = new Set<string>()
  await forSeeds(400, (random) => {
    const given = { failures: 1 + below(random, 4), openMs: 10, maxOpenMs: 40, factor: 2, jitter: 0, probes: 1 + below(random, 3) }
    const model = new Model()
    let breaker: Breaker = CLOSED
    const calls: number[] = []
    let nowMs = 0
    for (let i = 0; i < 120; i++) {
      nowMs += below(random, 8)
      breaker = elapse(breaker, nowMs)
      if (model.state === 'open' && nowMs >= model.untilMs) model.go('half-open')
      if (random() < 0.5) {
        const next = admit(breaker, given)
        const mayBegin = model.state === 'closed' || (model.state === 'half-open' && model.underWay + model.good < given.probes)
        assert.is(next !== undefined, mayBegin)
        if (next === undefined) continue
        breaker = next
        calls.push(breaker.era)
        if (model.state === 'half-open') model.underWay += 1
      } else if (calls.length > 0) {
        const [era = 0] = calls.splice(below(random, calls.length), 1)
        const outcome = (['success', 'failure', 'failure', 'void'] as const)[below(random, 4)] ?? 'void'
        breaker = settle(breaker, era, outcome, given, 0, nowMs)
        if (era === model.era && model.state !== 'open') {
          if (model.state === 'half-open') model.underWay -= 1
          if (outcome === 'failure' && (model.state === 'half-open' || ++model.failures >= given.failures)) {
            model.untilMs = nowMs + Math.min(40, 10 * 2 ** model.trips)
            model.trips += 1
            model.go('open')
          } else if (outcome === 'success' && model.state === 'closed') model.failures = 0
          else if (outcome === 'success' && ++model.good >= given.probes) {
            model.trips = 0
            model.go('closed')
          }
        }
      }
      seen.add(breaker.state)
      assert.equal([breaker.state, breaker.era, breaker.trips], [model.state, model.era, model.trips])
      if (breaker.state === 'open') assert.is(breaker.untilMs, model.untilMs)
    }
  })
  assert.is(seen.size, 3)
})

test.run()
