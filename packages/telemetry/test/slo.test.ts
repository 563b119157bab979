import type { AgentInfo } from '@stigmergy/core'
import { createVirtualClock } from '@stigmergy/grid'
import { createAlarms, type Alarm } from '@stigmergy/telemetry'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { agentInfo } from './support/transitions.ts'

const test = suite('alarms on latency')

const end = (ms: number) => ({
  ...{ agent: agentInfo({ id: 'p1', type: 'planner' }), event: 'go', trace: undefined, enqueuedAtMs: 0, startedAtMs: 0, restarts: 0 },
  ...{ endedAtMs: ms, from: 'a', to: 'b', tagsBefore: new Set<string>(), tagsAfter: new Set<string>() },
  ...{ error: undefined, context: undefined, ignored: false, worldAtMs: undefined },
})

const slowEnd = end(150)
const quickEnd = end(20)

const open = (share: number) => {
  const slo = { planner: { seconds: 0.1, share } }
  const alarms = createAlarms({ clock: createVirtualClock(), slo, decisionOf: () => undefined })
  const told: Alarm[] = []
  alarms.on((alarm) => told.push(alarm))
  return {
    told,
    alarms,
    /** Decisions of which that share is slow, evenly spread. */
    decide(decisions: number, slow: number) {
      for (let i = 1; i <= decisions; i++) {
        alarms.core.onTransitionEnd?.(Math.floor(i * slow) > Math.floor((i - 1) * slow) ? slowEnd : quickEnd)
      }
    },
  }
}

test('latency against its objective: allowed breaches are none, five times as many are an alarm', () => {
  const { told, decide } = open(0.98)
  decide(5000, 0.02)
  assert.equal(told, [])
  decide(1000, 0.2)
  assert.equal(
    told.map(({ kind, state, agentType }) => [kind, state, agentType]),
    [['slo', 'raised', 'planner']],
  )
  decide(5000, 0)
  assert.is(told.at(-1)?.state, 'cleared')
})

// Whatever is allowed: what lasts well above it is found, up to an objective that half of the decisions may miss.
for (const [share, slow, within] of [
  [0.5, 1, 200],
  [0.5, 0.75, 500],
  [0.55, 1, 200],
  [0.7, 0.6, 500],
  [0.8, 0.4, 500],
  [0.99, 0.02, 5000],
  [0.999, 0.002, 60_000],
  [0.9999, 0.0003, 200_000],
  [0.9999, 0.01, 10_000],
] as const) {
  test(`an objective of ${share} and ${slow * 100} % slow: none before, one alarm within ${within} decisions`, () => {
    const { told, decide } = open(share)
    decide(Math.max(5000, 5 / (1 - share)), 1 - share)
    assert.equal(told, [])
    decide(within, slow)
    assert.equal(
      told.map(({ state }) => state),
      ['raised'],
    )
  })
}

for (const share of [0.99, 0.999, 0.9999]) {
  test(`after a past without a slow one, all of them slow at an objective of ${share} is told soon, and over soon`, () => {
    const { told, decide } = open(share)
    const window = Math.round(1 / (1 - share))
    decide(200 * window, 0)
    decide(300, 1)
    assert.is(told.length, 1, 'within three hundred decisions')
    decide(20 * window, 1)
    decide(20 * window, 0)
    assert.equal(
      told.map(({ state }) => state),
      ['raised', 'cleared'],
      'within twenty windows after its end, of which it holds the first',
    )
  })
}

test('bursts of a whole window now and then are learned: one false alarm at most, and a miss is found nevertheless', () => {
  const { told, decide } = open(0.99)
  for (let burst = 0; burst < 50; burst++) {
    decide(100, 1)
    decide(30_000, 0.0005)
  }
  assert.ok(told.length <= 2, `${told.length} events`)
  const before = told.length
  decide(1000, 1)
  assert.is(told.length, before + 1)
})

test('an objective is not missed any more when nobody is left to meet it', () => {
  const { alarms, told, decide } = open(0.9)
  const [one, other] = ['p1', 'p2'].map((id) => agentInfo({ id, type: 'planner' })) as [AgentInfo, AgentInfo]
  for (const agent of [one, other]) alarms.core.onSpawn?.(agent)
  decide(500, 1)
  alarms.core.onStop?.(one, 'stopped')
  assert.equal(
    told.map(({ state }) => state),
    ['raised'],
  )
  alarms.core.onStop?.(other, 'stopped')
  assert.equal(
    told.map(({ state }) => state),
    ['raised', 'cleared'],
  )
  assert.equal(alarms.active, [])
  alarms.core.onSpawn?.(one)
  decide(90, 0)
  decide(10, 1)
  assert.is(told.length, 2, 'and begins anew')
})

test('who was there before anybody looked keeps the objective missed', () => {
  const { alarms, told, decide } = open(0.9)
  decide(500, 1)
  const late = agentInfo({ id: 'late', type: 'planner' })
  alarms.core.onSpawn?.(late)
  alarms.core.onStop?.(late, 'stopped')
  assert.equal(
    told.map(({ state }) => state),
    ['raised'],
  )
  alarms.core.onStop?.(agentInfo({ id: 'p1', type: 'planner' }), 'stopped')
  assert.is(told.at(-1)?.state, 'cleared')
})

test('what is far above is told before the window ends', () => {
  const { told, decide } = open(0.9999)
  decide(100, 1)
  assert.match(told[0]?.message ?? '', /^(\d+) of the last \1 decisions of planner took more than 0\.1 s/)
})

test('what an agent ignores on the way to a slow plan does not make it better', () => {
  const { told, alarms, decide } = open(0.99)
  decide(2000, 0)
  for (let i = 0; i < 400; i++) {
    alarms.core.onTransitionEnd?.(slowEnd)
    for (let k = 0; k < 200; k++) alarms.core.onTransitionEnd?.({ ...quickEnd, ignored: true })
  }
  assert.equal(
    told.map(({ state }) => state),
    ['raised'],
  )
})

test.run()
