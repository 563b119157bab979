import { createVirtualClock, openGrid } from '@stigmergy/grid'
import { createAlarms, gridBaselines, memoryBaselines, type Baseline } from '@stigmergy/telemetry'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DriftWatch } from '../src/alarms/drift.ts'
import { agentInfo, endOf } from './support/transitions.ts'

const test = suite('baselines')
const settings = { windowDecisions: 20, baselineDecisions: 400, k: 0.5, runLength: 1e5, maxActions: 64, maxAgents: 100 }
const short = { windowDecisions: settings.windowDecisions, baselineDecisions: settings.baselineDecisions }
const MAP = 'telemetry.baselines'

/** Decides these actions in turn. Gives whether it drifts at the end. */
function decide(watch: DriftWatch, times: number, actions: string): boolean | undefined {
  let drifting: boolean | undefined
  for (let i = 0; i < times; i++) drifting = watch.decided('kind', 'planner', 'p1', actions[i % actions.length]!)?.drifting ?? drifting
  return drifting
}
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}

test('a store that takes nothing leaves each process with its own', async () => {
  await using grid = await openGrid()
  const full = {
    ...grid,
    map: () => ({ peek: () => undefined, update: () => Promise.reject(new Error('full')) }),
  } as unknown as typeof grid
  const errors: unknown[] = []
  const watch = new DriftWatch(settings, gridBaselines(full, { onError: (error) => errors.push(error) }))
  decide(watch, 400, 'ab')
  assert.is(decide(watch, 400, 'ab'), false)
  assert.is(decide(watch, 200, 'c'), true)
  await settled()
  assert.is(errors.length, 1)
})

test('a baseline that was removed and learned anew is the one to go by', async () => {
  await using grid = await openGrid()
  const watch = new DriftWatch(settings, gridBaselines(grid))
  decide(watch, 400, 'ab')
  await settled()
  assert.is(decide(watch, 200, 'cd'), true)
  await grid.map(MAP).remove('kind')
  decide(watch, 400, 'cd')
  await settled()
  assert.is(decide(watch, 200, 'cd'), false)
  assert.is(decide(watch, 200, 'ab'), true)
})

test('the same baseline, read anew, changes nothing', () => {
  const baseline: Baseline = { version: 1, actions: { a: 200, b: 200 } }
  const watch = new DriftWatch(settings, { peek: () => ({ ...baseline, actions: { ...baseline.actions } }), save: () => {} })
  assert.is(decide(watch, 200, 'c'), true)
})

test('a new baseline that was asked for before the old one was here counts nevertheless', async () => {
  await using grid = await openGrid()
  const shared = gridBaselines(grid)
  decide(new DriftWatch(settings, shared), 400, 'ab')
  await settled()
  let here = false
  const late = { peek: (key: string) => (here ? shared.peek(key) : undefined), save: shared.save }
  const watch = new DriftWatch(settings, late)
  watch.relearn('kind')
  here = true
  decide(watch, 400, 'cd')
  await settled()
  assert.is(shared.peek('kind')?.version, 2)
  assert.is(decide(watch, 200, 'cd'), false)
})

test('what is stored and is no baseline is told, and learned over', async () => {
  await using grid = await openGrid()
  for (const wrong of [
    { version: 1, actions: { a: 1e308, b: 1e308 } },
    { version: 1, actions: { a: 5, b: 5 }, dispersion: 1e300 },
    { version: 1, actions: [50, 50] },
    { version: 1, actions: { a: 1e-300, b: 1 } },
    { version: Number.MAX_SAFE_INTEGER, actions: { a: 5, b: 5 } },
    { version: -5, actions: { a: 5, b: 5 } },
    { version: 1, actions: {} },
    'text',
  ]) {
    const errors: unknown[] = []
    await grid.map(MAP, { schemaVersion: 1 }).put('kind', wrong)
    const watch = new DriftWatch(settings, gridBaselines(grid, { onError: (error) => errors.push(error) }))
    decide(watch, 400, 'ab')
    assert.is(errors.length, 1, JSON.stringify(wrong))
    assert.is(decide(watch, 200, 'ab'), false, JSON.stringify(wrong))
    assert.is(decide(watch, 200, 'c'), true, JSON.stringify(wrong))
    await settled()
  }
})

test('an agent that tells its decisions is not also judged by the states it enters', () => {
  const baselines = memoryBaselines()
  const alarms = createAlarms({ clock: createVirtualClock(), baselines, drift: short })
  const planner = agentInfo({ id: 'p1', type: 'planner', stage: 'planning' })
  for (let i = 0; i < 400; i++) {
    alarms.decided(planner, { action: 'ab'[i % 2]! })
    alarms.core.onTransitionEnd?.(endOf({ agent: planner, from: 'idle', to: `busy-${i % 3}` }))
  }
  const key = JSON.stringify(['planner', '', ''])
  assert.equal(baselines.peek(key)?.actions, { a: 200, b: 200 })
  alarms.close()
})

test.run()
