import { telemetryHooks } from '@stigmergy/telemetry'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openFlight } from './support/flight.ts'
import { agentInfo } from './support/transitions.ts'

const test = suite('objectives of stages')
const none: ReadonlySet<string> = new Set()
const moving: ReadonlySet<string> = new Set(['stage:actuation'])

function setUp() {
  const opened = openFlight({ keep: { ratio: 0, slowPerSecond: 0, sloMs: { actuation: 50, planning: 50 } } })
  const { core } = telemetryHooks({ clock: opened.clock, flight: opened.flight })
  const step = (agent: ReturnType<typeof agentInfo>, from: number, to: number, before = none, after = none) => {
    const context = core.transitions!.start(agent, 'go', undefined, from, from, 0)
    core.transitions!.end(agent, 'go', undefined, from, from, 0, to, 'a', 'b', before, after, undefined, context)
    return context?.traceId
  }
  const kept = () => {
    opened.spans()
    return [opened.recorder.keeper.kept.slo, opened.told.map(({ traceId }) => traceId)] as const
  }
  return { step, kept }
}

test('a slow transition is judged by the stage of its agent, else of its tags', () => {
  const { step, kept } = setUp()
  const arm = agentInfo({ id: 'arm' })
  const planner = agentInfo({ id: 'planner', stage: 'planning' })
  const slow = [step(arm, 0, 120, none, moving), step(planner, 0, 120)]
  step(arm, 200, 210, moving, moving)
  step(agentInfo({ id: 'other' }), 0, 120)
  step(planner, 0, 40, none, none)
  assert.equal(kept(), [2, slow])
})

test('a tagged stage that lasts too long is too, in the trace of the transition that ends it', () => {
  const { step, kept } = setUp()
  const arm = agentInfo({ id: 'arm' })
  step(arm, 0, 1, none, moving)
  step(arm, 40, 41, moving, none)
  assert.is(kept()[0], 0)
  step(arm, 100, 101, none, moving)
  const late = step(arm, 680, 681, moving, none)
  assert.equal(kept(), [1, [late]])
})

test.run()
