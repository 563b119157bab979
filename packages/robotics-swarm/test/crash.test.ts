import { createSystem } from '@stigmergy/core'
import { createVirtualClock, openGrid } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openCellMaps } from '../src/cell-maps.ts'
import type { RobotStep } from '../src/robot.ts'
import { startCell } from '../src/sim/cell.ts'
import { createLayout } from '../src/sim/layout.ts'

const test = suite('a robot that throws')

const PARTS = 20

/** Sends parts past two robots; one transition of r1, while it handles p5 or the first part after it, throws once. */
async function runWithFault(step: RobotStep, when: 'begin' | 'end') {
  const clock = createVirtualClock()
  const grid = await openGrid({ clock })
  const maps = openCellMaps(grid)
  const outcomes = new Map<string, string[]>()
  maps.parts.watch((change) => {
    if (change.type === 'remove') outcomes.set(change.key, [...(outcomes.get(change.key) ?? []), change.previous.value.owner ?? 'missed'])
  })
  const system = createSystem({ grid })
  const restarts: string[] = []
  system.use({ onRestart: (agent, _count, from) => restarts.push(`${agent.id} from ${from}`) })
  const layout = createLayout(clock, 2, 0.2)
  let left = 1
  let seen = 0
  const cell = await startCell({
    system,
    layout,
    pickTimeMs: () => 400,
    onRobotStep: (robot, at, phase) => {
      if (robot !== 'r1' || at !== step || phase !== when || ++seen < 3 || left === 0) return
      left -= 1
      throw new Error(`planted at ${step} ${when}`)
    },
  })
  for (let i = 1; i <= PARTS; i++) {
    cell.camera.show(`p${i}`, layout.belt.counts(), undefined)
    await clock.advance(500)
  }
  await clock.advance(60_000)
  const result = {
    planted: 1 - left,
    restarts,
    outcomes,
    onBelt: maps.parts.size,
    picks: cell.arms.reduce((sum, arm) => sum + arm.picks, 0),
    refused: cell.arms[0]?.refused ?? 0,
    states: cell.robots.map((robot) => robot.snapshot.value),
    crashed: system.deadLetters.recent.filter((letter) => letter.reason === 'crashed').length,
  }
  cell.close()
  await system.close()
  await grid.close()
  return result
}

const faults: readonly [RobotStep, 'begin' | 'end'][] = [
  ['take', 'begin'],
  ['take', 'end'],
  ['picked', 'begin'],
  ['placed', 'begin'],
  ['placed', 'end'],
]

for (const [step, when] of faults) {
  test(`at ${step} (${when}): restarted from its checkpoint, its part neither lost nor picked twice`, async () => {
    const run = await runWithFault(step, when)
    assert.is(run.planted, 1)
    assert.equal(run.restarts, ['r1 from checkpoint'])
    assert.is(run.crashed, 1)
    assert.is(run.onBelt, 0, 'no part is left behind')
    assert.is(run.outcomes.size, PARTS, 'every part left the belt')
    for (const [part, ends] of run.outcomes) assert.is(ends.length, 1, `${part} left ${ends.length} times`)
    const picked = [...run.outcomes.values()].filter(([owner]) => owner !== 'missed').length
    assert.is(run.picks, picked, 'one pick a part')
    assert.equal(run.states, ['idle', 'idle'], 'both robots work again')
  })
}

test('the arm refuses to pick a part it was given before', async () => {
  const run = await runWithFault('picked', 'begin')
  assert.is(run.refused, 1)
})

test.run()
