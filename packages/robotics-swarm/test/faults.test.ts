import { createSystem } from '@stigmergy/core'
import { createVirtualClock, openGrid } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openCellMaps } from '../src/cell-maps.ts'
import { type CellOptions, startCell } from '../src/sim/cell.ts'
import { createLayout } from '../src/sim/layout.ts'

const test = suite('faults in a cell')

const PARTS = 30

/** Sends parts every 500 ms past two robots that need 400 ms, so that nothing need be missed. Faults come from `options`. */
async function runCell(options: Partial<CellOptions>) {
  const clock = createVirtualClock()
  const grid = await openGrid({ clock })
  const maps = openCellMaps(grid)
  const ends = new Map<string, string[]>()
  maps.parts.watch((change) => {
    if (change.type === 'remove') ends.set(change.key, [...(ends.get(change.key) ?? []), change.previous.value.owner ?? 'missed'])
  })
  const system = createSystem({ grid })
  const restarts: string[] = []
  system.use({ onRestart: (agent) => void restarts.push(agent.id) })
  const layout = createLayout(clock, 2, 0.2)
  /** Distance past its window at which each claim was made, in encoder counts. */
  const late: number[] = []
  maps.parts.watch((change) => {
    if (change.type !== 'put' || change.entry.value.owner === undefined || change.previous?.value.owner !== undefined) return
    const station = layout.robotIds.indexOf(change.entry.value.owner)
    late.push(layout.belt.counts() - change.entry.value.encoder - (layout.stations[station] ?? 0))
  })
  const cell = await startCell({ system, layout, pickTimeMs: () => 400, ...options })
  for (let i = 1; i <= PARTS; i++) {
    cell.camera.show(`p${i}`, layout.belt.counts(), undefined)
    await clock.advance(500)
  }
  await clock.advance(60_000)
  const result = {
    ends,
    restarts,
    missed: [...ends.values()].filter(([owner]) => owner === 'missed').length,
    picks: cell.arms.reduce((sum, arm) => sum + arm.picks, 0),
    onBelt: maps.parts.size,
    latest: Math.max(...late),
    reach: layout.reach,
    statuses: layout.robotIds.map((id) => maps.robots.peek(id)?.value.state),
    failedWrites: cell.writes.failed,
  }
  cell.close()
  await system.close()
  await grid.close()
  return result
}

const throwOnce = (at: number): (() => void) => {
  let calls = 0
  return () => {
    calls += 1
    if (calls === at) throw new Error('planted')
  }
}

for (const step of ['follow', 'claim', 'pass-on', 'miss'] as const) {
  test(`the planner throws while it would ${step}: every part leaves once, none is claimed out of reach`, async () => {
    const fault = throwOnce(2)
    // Slow robots, so that parts are passed on and missed as well.
    const run = await runCell({
      onPlannerStep: (at) => {
        if (at === step) fault()
      },
      pickTimeMs: () => (step === 'pass-on' || step === 'miss' ? 4000 : 400),
    })
    if (step !== 'pass-on') assert.equal(run.restarts, ['planner'])
    assert.is(run.ends.size, PARTS)
    for (const [part, owners] of run.ends) assert.is(owners.length, 1, `${part} left ${owners.length} times`)
    assert.is(run.picks, PARTS - run.missed, 'one pick a part')
    assert.ok(run.latest <= run.reach, `claimed ${run.latest} counts past its window; reach is ${run.reach}`)
    assert.is(run.onBelt, 0)
  })
}

test('the planner throws at a claim: the next robot takes the part, none is missed', async () => {
  const fault = throwOnce(5)
  const run = await runCell({ onPlannerStep: (at) => (at === 'claim' ? fault() : undefined) })
  assert.equal(run.restarts, ['planner'])
  assert.is(run.missed, 0)
})

test('the perception throws: the camera shows the frame again and no part is lost', async () => {
  const run = await runCell({ onVisionStep: throwOnce(10) })
  assert.equal(run.restarts, ['vision'])
  assert.is(run.ends.size, PARTS)
  assert.is(run.picks, PARTS)
})

for (const step of ['take', 'picked', 'placed'] as const) {
  test(`a robot that fails for good at ${step} gives its part back or up, and the other goes on`, async () => {
    let seen = 0
    const run = await runCell({
      onRobotStep: (robot, at, when) => {
        if (robot === 'r1' && at === step && when === 'begin' && ++seen > 3) throw new Error('planted')
      },
    })
    assert.equal(run.statuses, ['down', 'idle'])
    assert.is(run.onBelt, 0, 'no part is stranded')
    assert.is(run.ends.size, PARTS)
    for (const [part, owners] of run.ends) assert.is(owners.length, 1, `${part} left ${owners.length} times`)
    assert.is(run.picks, PARTS - run.missed)
  })
}

test.run()
