import { createVirtualClock, systemClock } from '@stigmergy/grid'
import { createAlarms, type Alarm } from '@stigmergy/telemetry'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Excess } from '../src/alarms/excess.ts'
import { rateCusum } from '../src/alarms/rate-cusum.ts'
import { SloWatch } from '../src/alarms/slo-watch.ts'
import { seeded } from './support/seeded.ts'
import { agentInfo } from './support/transitions.ts'

const test = suite('failures and their budget')
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** How often it is raised while failures come at this rate, and how long it stays so. */
function simulate(excess: Excess, perMs: number, untilMs: number, random: () => number) {
  let [nowMs, alarms, was, aboveMs] = [0, 0, false, 0]
  while (nowMs < untilMs) {
    const nextMs = nowMs - Math.log(1 - random()) / perMs
    if (was) aboveMs += Math.min(nextMs, excess.endsAtMs) - nowMs
    was = excess.above(nextMs)
    excess.add(nextMs)
    if (excess.above(nextMs) && !was) alarms += 1
    was = excess.above(nextMs)
    nowMs = nextMs
  }
  return { alarms, aboveMs }
}

test('run lengths are those of a simulation', () => {
  const random = seeded(5)
  for (const [times, asked] of [
    [2, 24],
    [2, 300],
    [4, 100],
    [1.5, 100],
  ] as const) {
    const { k, h, runLength } = rateCusum(times, asked)
    assert.ok(runLength >= asked && runLength < asked * 1.03, `${runLength} for ${asked}`)
    const runs = 4000
    let events = 0
    for (let run = 0; run < runs; run++) {
      for (let sum = 0; sum < h; events++) sum = Math.max(0, sum + k * Math.log(1 - random())) + 1
    }
    assert.ok(
      Math.abs(events / runs / runLength - 1) < 0.06,
      `${times} times, ${asked}: ${events / runs} in the simulation, ${runLength} computed`,
    )
  }
  // By hand: the second event is over the limit if it comes before the sum forgot the first one.
  assert.ok(Math.abs(rateCusum(2, 2).runLength - 3) < 0.01)
  assert.equal([rateCusum(2, 0.5).h, rateCusum(2, 1).h], [1, 1])
  assert.throws(() => rateCusum(1, 100), /times is 1: give/)
  assert.throws(() => rateCusum(2, NaN), /runLength is NaN: give/)
  assert.throws(() => rateCusum(1.1, 1e15), /too little to be found/)
})

for (const [perHour, days] of [
  [0.5, 6000],
  [1, 4000],
  [10, 1500],
  [60, 400],
  [200, 120],
  [3600, 40],
] as const) {
  test(`false alarms keep the budget at ${perHour} expected failures an hour, over ${days} healthy days`, () => {
    const excess = new Excess(perHour / HOUR_MS, 2, perHour * 24)
    const { alarms } = simulate(excess, perHour / HOUR_MS, days * DAY_MS, seeded(perHour + 7))
    console.log(`  ${alarms} false alarms in ${days} days; the budget says ${days}`)
    assert.ok(alarms <= days * 1.15, `${alarms} of ${days}`)
    assert.ok(alarms >= days / 2, `${alarms} of ${days}: an alarm that is never false finds nothing`)
  })
}

test('twice the expected failures are found, and for how long they last it is seldom not raised', () => {
  for (const perHour of [1, 60]) {
    const excess = new Excess(perHour / HOUR_MS, 2, perHour * 24)
    const days = 200
    const { aboveMs } = simulate(excess, (2 * perHour) / HOUR_MS, days * DAY_MS, seeded(3))
    const share = aboveMs / days / DAY_MS
    console.log(`  ${perHour} an hour expected and twice as many come: raised ${(share * 100).toFixed(0)} % of the time`)
    assert.ok(share > 0.35, `${perHour} an hour: ${share}`)
  }
})

const open = (expectedPerHour: number) => {
  const clock = createVirtualClock()
  const alarms = createAlarms({ clock, errors: { expectedPerHour } })
  const told: Alarm[] = []
  alarms.on((alarm) => told.push(alarm))
  const fail = (): void =>
    alarms.core.onFailure?.({ agent: agentInfo(), error: new Error('arm'), event: 'go', trace: undefined, decision: { type: 'stop' } })
  return { clock, alarms, told, fail, states: () => told.map(({ state }) => state) }
}

test('a rate that lasts at three times what is expected is one alarm, whatever is expected', async () => {
  for (const perHour of [0.1, 1, 60, 3600]) {
    const { clock, alarms, fail, states } = open(perHour)
    for (let i = 0; i < 24; i++) {
      fail()
      await clock.advance(HOUR_MS / perHour)
    }
    assert.equal(states(), [], 'as often as expected')
    for (let i = 0; i < 100; i++) {
      fail()
      await clock.advance(HOUR_MS / perHour / 3)
    }
    assert.equal(states(), ['raised'], `${perHour} an hour`)
    await clock.advance((20 * HOUR_MS) / perHour + 20_000)
    assert.equal(states(), ['raised', 'cleared'])
    assert.is(clock.pending, 0)
    alarms.close()
  }
})

test('a burst is told at once and is over ten seconds after it, not hours', async () => {
  const { clock, alarms, told, fail } = open(1)
  for (let i = 0; i < 10; i++) {
    fail()
    await clock.advance(10)
  }
  await clock.advance(9_900)
  assert.equal(told.map(({ state, atMs }) => [state, atMs]).flat(), ['raised', 30])
  await clock.advance(10_000)
  assert.is(told.at(-1)?.state, 'cleared')
  assert.ok(told.at(-1)!.atMs <= 10_100, String(told.at(-1)!.atMs))
  fail()
  assert.is(told.length, 2, 'what is over leaves nothing behind')
  alarms.close()
})

test('false alarms of objectives keep the budget, over a long healthy run', () => {
  const random = seeded(21)
  for (const [share, windowDecisions, windows] of [
    [0.99, 100, 60_000],
    [0.9, 100, 30_000],
    [0.6, 100, 15_000],
  ] as const) {
    let [alarms, was] = [0, false]
    const runLength = 500
    const watch = new SloWatch(new Map([['planner', { seconds: 0.1, share, windowDecisions, runLength }]]), (above) => {
      if (above && !was) alarms += 1
      was = above
    })
    for (let i = 0; i < windows * windowDecisions; i++) watch.finished('planner', random() < 1 - share ? 0.2 : 0.01, undefined, () => i)
    const expected = windows / runLength
    console.log(`  share ${share}: ${alarms} false alarms in ${windows} windows; the budget says ${expected}`)
    assert.ok(alarms <= 2 * expected, `share ${share}: ${alarms} of ${expected}`)
  }
})

test('false alarms of objectives keep the budget where slow decisions come in bursts, and what lasts is found', () => {
  const random = seeded(8)
  for (const [slow, burst] of [
    [0.005, 5],
    [0.0022, 20],
    [0.00045, 20],
    [0.004, 50],
  ] as const) {
    let [alarms, was, left] = [0, false, 0]
    const [windows, runLength, windowDecisions] = [17_280, 8640, 100]
    const watch = new SloWatch(new Map([['planner', { seconds: 0.1, share: 0.99, windowDecisions, runLength }]]), (above) => {
      if (above && !was) alarms += 1
      was = above
    })
    const decide = (decisions: number, isSlow: () => boolean): void => {
      for (let i = 0; i < decisions; i++) watch.finished('planner', isSlow() ? 0.2 : 0.01, undefined, () => i)
    }
    decide(windows * windowDecisions, () => {
      if (left === 0 && random() < slow / burst) left = burst
      return left-- > 0 || ((left = 0), false)
    })
    const expected = windows / runLength
    console.log(`  ${slow * 100} % slow in bursts of ${burst}: ${alarms} false alarms; the budget says ${expected}`)
    assert.ok(alarms <= 2 * expected, `${slow}, ${burst}: ${alarms} of ${expected}`)
    alarms = 0
    decide(2000, () => true)
    assert.is(alarms, 1, 'all of them slow')
  }
})

test('a raised alarm holds no process', async () => {
  const clock = systemClock()
  const alarms = createAlarms({ clock })
  const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  for (let i = 0; i < 6; i++)
    alarms.core.onFailure?.({ agent: agentInfo(), error: new Error('arm'), event: 'go', trace: undefined, decision: { type: 'stop' } })
  assert.is(alarms.active.length, 1)
  assert.is(process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length, before)
  alarms.close()
})

test.run()
