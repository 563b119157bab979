import { createVirtualClock } from '@stigmergy/grid'
import { createAlarms, type Alarm, type AlarmsOptions } from '@stigmergy/telemetry'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { agentInfo, endOf } from './support/transitions.ts'

const test = suite('alarms about who decides nothing any more')
const MINUTE = 60_000
const planner = { id: 'p1', type: 'planner' }

function open(options: Partial<AlarmsOptions> = {}) {
  const clock = createVirtualClock()
  const alarms = createAlarms({ clock, budget: { agents: 1 }, drift: { windowDecisions: 20, baselineDecisions: 400 }, ...options })
  const told: Alarm[] = []
  alarms.on((alarm) => told.push(alarm))
  const decide = (times: number, actions: string, stratum?: string): void => {
    const more = stratum === undefined ? {} : { stratum }
    for (let i = 0; i < times; i++) alarms.decided(planner, { action: actions[i % actions.length]!, ...more })
  }
  decide(400, 'ab')
  return { alarms, clock, decide, states: () => told.map(({ kind, state }) => `${kind} ${state}`), told }
}

test('drift is over ten minutes after the last decision, and begins anew', async () => {
  const { alarms, clock, decide, states, told } = open()
  decide(100, 'c')
  assert.equal(states(), ['drift raised'])
  for (let minute = 0; minute < 30; minute++) {
    decide(1, 'c')
    await clock.advance(MINUTE)
  }
  assert.equal(states(), ['drift raised'], 'as long as it decides')
  await clock.advance(8 * MINUTE)
  assert.equal(states(), ['drift raised'])
  await clock.advance(5 * MINUTE)
  assert.equal(states(), ['drift raised', 'drift cleared'])
  assert.match(told[1]!.message, /planner p1: nothing of that kind was decided for a long time/)
  await clock.advance(60 * MINUTE)
  decide(100, 'c')
  assert.equal(states(), ['drift raised', 'drift cleared', 'drift raised'])
  alarms.close()
})

test('an agent that went over to a policy with a stratum of its own is told to come back', async () => {
  const { alarms, clock, decide, states } = open()
  decide(400, 'xy', 'safe')
  decide(100, 'c')
  for (let minute = 0; minute < 20; minute++) {
    decide(20, 'xy', 'safe')
    await clock.advance(MINUTE)
  }
  assert.equal(states(), ['drift raised', 'drift cleared'])
  alarms.close()
})

test('who decides seldom is waited for: twice as long as it takes it', async () => {
  const { alarms, clock, decide, states } = open({ slo: { planner: { seconds: 0.1, share: 0.9 } } })
  const slow = (): void => alarms.core.onTransitionEnd?.(endOf({ agent: agentInfo(planner), endedAtMs: clock.now() + 500 }))
  for (let i = 0; i < 200; i++) {
    decide(1, 'c')
    slow()
    await clock.advance(15 * MINUTE)
  }
  assert.equal(states().toSorted(), ['drift raised', 'slo raised'])
  await clock.advance(30 * MINUTE)
  assert.equal(states().toSorted(), ['drift cleared', 'drift raised', 'slo cleared', 'slo raised'])
  alarms.close()
})

test('a night is forgotten in a day of work', async () => {
  const { alarms, clock, decide, states } = open()
  decide(1, 'c')
  await clock.advance(8 * 60 * MINUTE)
  for (let second = 0; second < 6000; second++) {
    decide(1, 'c')
    await clock.advance(1000)
  }
  assert.equal(states(), ['drift raised'])
  await clock.advance(15 * MINUTE)
  assert.equal(states(), ['drift raised', 'drift cleared'])
  alarms.close()
})

test('an objective is missed no more when nothing was decided for ten minutes', async () => {
  const { alarms, clock, states } = open({ slo: { planner: { seconds: 0.1, share: 0.9 } } })
  const slow = endOf({ agent: agentInfo(planner), endedAtMs: 500 })
  for (let i = 0; i < 500; i++) alarms.core.onTransitionEnd?.(slow)
  assert.equal(states(), ['slo raised'])
  await clock.advance(15 * MINUTE)
  assert.equal(states(), ['slo raised', 'slo cleared'])
  assert.equal(alarms.active, [])
  // Closed, nobody looks any more.
  for (let i = 0; i < 500; i++) alarms.core.onTransitionEnd?.({ ...slow, endedAtMs: clock.now() })
  alarms.close()
  await clock.advance(60 * MINUTE)
  assert.is(alarms.active.length, 1)
})

test.run()
