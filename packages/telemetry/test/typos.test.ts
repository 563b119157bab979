import { createSystem, type StateShape } from '@stigmergy/core'
import { createVirtualClock, openGrid } from '@stigmergy/grid'
import { createAlarms, telemetryHooks, type AlarmsOptions } from '@stigmergy/telemetry'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openFlight } from './support/flight.ts'
import { memoryMeter } from './support/otel.ts'
import { agentInfo, endOf } from './support/transitions.ts'
import { setup } from './support/xstate.ts'

const test = suite('names that are misspelt')

const arm = setup({}).createMachine({
  id: 'arm',
  initial: 'idle',
  states: {
    idle: { tags: ['resting', 'stage:actuation'] },
    moving: { initial: 'fast', states: { fast: { tags: ['stage:actuaton', 'violations'] }, wild: { tags: 'violation' } } },
    charging: { tags: 'stage:charging' },
  },
})

const stageLine = (what: string, type: string): string =>
  `telemetry: ${what} of "${type}" has no latency of its own: perception, planning and actuation have. If it is meant, give it a limit in keep.sloMs`

for (const flight of [undefined, openFlight({ keep: { sloMs: { charging: 50 } } }).flight]) {
  test(`a stage or tag that means nothing is told once${flight === undefined ? '' : ', and one with a limit means something'}`, async () => {
    const clock = createVirtualClock()
    const lines: string[] = []
    const { meter, close } = memoryMeter()
    const telemetry = telemetryHooks({ meter, clock, flight, warn: (line) => void lines.push(line) })
    const grid = await openGrid({ clock })
    const system = createSystem({ grid, hooks: telemetry.core })
    for (const id of ['a1', 'a2']) await system.spawn(arm, { id, stage: 'planing' })
    await system.spawn(arm, { id: 'a3', stage: 'planning' })
    assert.equal(lines, [
      stageLine('stage "planing"', 'arm'),
      stageLine('tag "stage:actuaton"', 'arm'),
      'telemetry: tag "violations" of "arm" is no violation that is counted: those are tagged "violation"',
      ...(flight === undefined ? [stageLine('tag "stage:charging"', 'arm')] : []),
    ])
    await system.close()
    await grid.close()
    await close()
  })
}

test('a limit for a stage that no agent has is told once, a minute after the first agent', async () => {
  const { meter, close } = memoryMeter()
  const clock = createVirtualClock()
  const lines: string[] = []
  const { root } = arm as unknown as { readonly root: StateShape }
  const sloMs = { planing: 50, planning: 50, actuation: 50, decision: 90, charging: 5, inspection: 9 }
  const ended = new AbortController()
  const { flight } = openFlight({ keep: { sloMs } })
  for (const until of [undefined, ended.signal]) {
    const telemetry = telemetryHooks({ meter, clock, flight, until, warn: (line) => void lines.push(line) })
    telemetry.core.onSpawn?.(agentInfo({ stage: 'inspection' }), [], root)
    telemetry.core.onSpawn?.(agentInfo({ id: 'r2', stage: 'planning' }), [], root)
  }
  const ofLimits = () => lines.filter((line) => line.includes('has a limit'))
  ended.abort()
  await clock.advance(59_000)
  assert.equal(ofLimits(), [])
  await clock.advance(120_000)
  assert.equal(ofLimits(), ['telemetry: keep.sloMs has a limit for stage "planing", which no agent of this process has'])
  await close()
})

test('of names without end only so many are told', () => {
  const lines: string[] = []
  const { meter } = memoryMeter()
  const telemetry = telemetryHooks({ meter, clock: createVirtualClock(), warn: (line) => void lines.push(line) })
  for (let i = 0; i < 100; i++) telemetry.core.onSpawn?.(agentInfo({ stage: `stage ${i}` }))
  assert.is(lines.length, 20)
})

/** Alarms with an objective for a type that is misspelt, whose line is told to the telemetry or by an option of their own. */
const alarmsWith = (over: Partial<AlarmsOptions>) =>
  createAlarms({ clock: createVirtualClock(), slo: { planer: { seconds: 0.1 } }, ...over })
const ends = (core: ReturnType<typeof createAlarms>['core'], type: string, times: number): void => {
  for (let i = 0; i < times; i++) core.onTransitionEnd?.(endOf({ agent: agentInfo({ type }) }))
}

test('an objective for a type that nobody has is told once, when others have decided for a while', () => {
  const lines: string[] = []
  const { meter } = memoryMeter()
  const telemetry = telemetryHooks({ meter, clock: createVirtualClock(), warn: (line) => void lines.push(line) })
  const { core } = alarmsWith({ telemetry })
  ends(core, 'planner', 499)
  assert.equal(lines, [])
  ends(core, 'planner', 1000)
  assert.equal(lines, [
    'alarms: slo has an objective for "planer", of which no agent has decided anything, and none for "planner", which has',
  ])

  const own: string[] = []
  ends(alarmsWith({ telemetry, warn: (line) => void own.push(line) }).core, 'planner', 500)
  assert.equal([own.length, lines.length], [1, 1])

  // Who is there late is there.
  const known = alarmsWith({ warn: () => assert.unreachable() }).core
  ends(known, 'planner', 400)
  ends(known, 'planer', 1)
  ends(known, 'planner', 1000)

  const throws = alarmsWith({
    warn() {
      throw new Error('no room')
    },
  })
  ends(throws.core, 'planner', 500)
  assert.is(throws.guestErrors, 1)
})

test.run()
