import { createVirtualClock, openGrid } from '@stigmergy/grid'
import { createAlarms, gridBaselines } from '@stigmergy/telemetry'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { memoryBaselines } from '../src/alarms/baseline.ts'
import { cusumRunLength } from '../src/alarms/cusum.ts'
import { DriftWatch, type DriftReading } from '../src/alarms/drift.ts'
import { seeded } from './support/seeded.ts'
import { agentInfo } from './support/transitions.ts'

const test = suite('drift')
const window = 100
const settings = { windowDecisions: window, baselineDecisions: 100 * window, k: 0.5, runLength: 931, maxActions: 64, maxAgents: 1000 }
const HEALTHY = { pick: 0.3, wait: 0.25, move: 0.2, place: 0.1, charge: 0.1, yield: 0.05 }
/** A tenth of all decisions moves from one action to another. */
const MOVED = { ...HEALTHY, pick: 0.2, charge: 0.2 }

/** Decides by these shares. */
const decider = (random: () => number) => (shares: Readonly<Record<string, number>>) => {
  let u = random()
  let chosen = ''
  for (const [action, share] of Object.entries(shares)) {
    chosen = action
    if (u < share) break
    u -= share
  }
  return chosen
}

test('false alarms keep the budget: over a long healthy run of many fleets they are within twice of it', () => {
  const decide = decider(seeded(42))
  const [fleets, windows] = [10, 4000]
  let alarms = 0
  for (let fleet = 0; fleet < fleets; fleet++) {
    const watch = new DriftWatch(settings, memoryBaselines())
    let was = false
    for (let i = 0; i < (windows + 100) * window; i++) {
      const reading = watch.decided('planner', 'planner', 'p1', decide(HEALTHY))
      if (reading === undefined) continue
      if (reading.drifting && !was) alarms += 1
      was = reading.drifting
    }
  }
  const expected = (fleets * windows) / settings.runLength
  console.log(`  ${alarms} false alarms in ${fleets * windows} windows; the budget says ${expected.toFixed(0)}`)
  assert.ok(alarms <= 2 * expected, `${alarms} of ${expected}`)
  assert.ok(alarms >= expected / 2, `${alarms} of ${expected}: an alarm that is never false finds nothing`)
})

test('a tenth of the decisions that moves is found in at most 15 windows, with the limit of a fleet', () => {
  const decide = decider(seeded(7))
  const took: number[] = []
  for (let run = 0; run < 40; run++) {
    const watch = new DriftWatch({ ...settings, runLength: 8.6e5 }, memoryBaselines())
    for (let i = 0; i < 110 * window; i++) watch.decided('planner', 'planner', 'p1', decide(HEALTHY))
    let windows = 0
    for (let reading: DriftReading | undefined; reading?.drifting !== true;) {
      reading = watch.decided('planner', 'planner', 'p1', decide(MOVED))
      if (reading !== undefined) windows += 1
      if (windows > 200) break
    }
    took.push(windows)
  }
  const mean = took.reduce((sum, n) => sum + n, 0) / took.length
  console.log(`  a move of 10 % is found in ${mean.toFixed(1)} windows on average, ${Math.max(...took)} at most`)
  assert.ok(mean <= 15, `${mean} windows`)
})

test('a mix of situations that changes is no drift, if each has a baseline of its own', () => {
  const decide = decider(seeded(3))
  const busy = { pick: 0.7, wait: 0.1, move: 0.2 }
  const quiet = { pick: 0.1, wait: 0.8, move: 0.1 }
  const watch = new DriftWatch({ ...settings, runLength: 1e5 }, memoryBaselines())
  let drifting = 0
  const run = (share: number, decisions: number) => {
    const random = seeded(share * 100)
    for (let i = 0; i < decisions; i++) {
      const isBusy = random() < share
      if (watch.decided(isBusy ? 'busy' : 'quiet', 'planner', 'p1', decide(isBusy ? busy : quiet))?.drifting) drifting += 1
    }
  }
  run(0.5, 60_000)
  run(0.95, 100_000)
  run(0.05, 100_000)
  assert.is(drifting, 0)
  // Without strata the same change is drift at once.
  const blind = new DriftWatch({ ...settings, runLength: 1e5 }, memoryBaselines())
  for (let i = 0; i < 20_000; i++) blind.decided('all', 'planner', 'p1', decide(i % 2 === 0 ? busy : quiet))
  let found = false
  for (let i = 0; i < 2000; i++) found ||= blind.decided('all', 'planner', 'p1', decide(busy))?.drifting === true
  assert.ok(found)
})

test('an action that the baseline never saw is drift', () => {
  const decide = decider(seeded(9))
  const watch = new DriftWatch(settings, memoryBaselines())
  for (let i = 0; i < 110 * window; i++) watch.decided('planner', 'planner', 'p1', decide(HEALTHY))
  let drifting = false
  for (let i = 0; i < 5 * window; i++)
    drifting ||= watch.decided('planner', 'planner', 'p1', i % 3 === 0 ? 'flee' : decide(HEALTHY))?.drifting === true
  assert.ok(drifting)
  let well = false
  for (let i = 0; i < 60 * window; i++) well ||= watch.decided('planner', 'planner', 'p1', decide(HEALTHY))?.drifting === false
  assert.ok(well, 'and over when it is over')
})

test('a baseline is frozen, shared through the grid, and learned anew on request', async () => {
  const grid = await openGrid()
  const decide = decider(seeded(1))
  const [here, there] = [new DriftWatch(settings, gridBaselines(grid)), new DriftWatch(settings, gridBaselines(grid))]
  for (let i = 0; i < settings.baselineDecisions; i++) here.decided('planner', 'planner', 'p1', decide(HEALTHY))
  await Promise.resolve()
  const readings = Array.from({ length: window }, () => there.decided('planner', 'planner', 'p2', decide(HEALTHY)))
  assert.is(readings.at(-1)?.baselineVersion, 1, 'another process goes by it at once')
  here.relearn('planner')
  for (let i = 0; i < settings.baselineDecisions; i++) assert.is(here.decided('planner', 'planner', 'p1', decide(MOVED)), undefined)
  await Promise.resolve()
  let last: DriftReading | undefined
  for (let i = 0; i < 20 * window; i++) last = here.decided('planner', 'planner', 'p1', decide(MOVED)) ?? last
  assert.is(last?.baselineVersion, 2)
  assert.is(last?.drifting, false)
  for (let i = 0; i < window; i++) last = there.decided('planner', 'planner', 'p2', decide(MOVED)) ?? last
  assert.is(last?.baselineVersion, 2)
  await grid.close()
})

test('agents, kinds and actions are bounded, and what is beyond is counted', () => {
  const watch = new DriftWatch({ ...settings, maxActions: 3, maxAgents: 2, baselineDecisions: 2000 }, memoryBaselines())
  for (let i = 0; i < 2000; i++) watch.decided('planner', 'planner', 'p1', `a${i % 50}`)
  for (const agent of ['p1', 'p2', 'p3']) watch.decided('planner', 'planner', agent, 'a0')
  assert.is(watch.unwatched, 1)
  watch.forget('p1', 'planner')
  watch.decided('planner', 'planner', 'p3', 'a0')
  assert.is(watch.unwatched, 1)
  watch.decided('robot', 'planner', 'r1', 'a0')
  watch.decided('belt', 'planner', 'b1', 'a0')
  assert.is(watch.unwatched, 2)
})

/** Decides again what it decided before with that chance, else by the shares of a healthy one. */
const sticky = (random: () => number, stay: number) => {
  const decide = decider(random)
  let last = decide(HEALTHY)
  return (shares: Readonly<Record<string, number>> = HEALTHY): string => (last = random() < stay ? last : decide(shares))
}
/** Never the same twice: the states that a statechart enters, busy ones in runs and an idle one between them. */
const alternating = (random: () => number) => {
  const decide = sticky(random, 0.6)
  let idle = false
  return (): string => {
    idle = !idle
    return idle ? 'idle' : decide()
  }
}

for (const [name, chain] of [
  ['0.3 of which are the one before', (random: () => number) => sticky(random, 0.3)],
  ['half of which are the one before', (random: () => number) => sticky(random, 0.5)],
  ['0.8 of which are the one before', (random: () => number) => sticky(random, 0.8)],
  ['that a statechart enters', alternating],
] as const) {
  test(`decisions ${name} are healthy: false alarms are within twice of the budget`, () => {
    const random = seeded(17)
    const [fleets, windows, runLength] = [6, 700, 200]
    let alarms = 0
    for (let fleet = 0; fleet < fleets; fleet++) {
      const watch = new DriftWatch({ ...settings, runLength }, memoryBaselines())
      const next = chain(random)
      let was = false
      for (let i = 0; i < (windows + 100) * window; i++) {
        const drifting = watch.decided('planner', 'planner', 'p1', next())?.drifting
        if (drifting === true && !was) alarms += 1
        was = drifting ?? was
      }
    }
    const expected = (fleets * windows) / runLength
    console.log(`  ${name}: ${alarms} false alarms in ${fleets * windows} windows; the budget says ${expected}`)
    assert.ok(alarms <= 2 * expected, `${alarms} of ${expected}`)
  })
}

for (const [stay, moved, worth] of [
  [0.3, 0.1, 15],
  [0.5, 0.1, 15],
  [0.8, 0.2, 5],
] as const) {
  test(`${moved} of the decisions moves where ${stay} of them are the one before: found in what is worth ${worth} windows of independent ones`, () => {
    const took: number[] = []
    const cleared: number[] = []
    for (let run = 0; run < 8; run++) {
      const random = seeded(23 + run)
      const watch = new DriftWatch({ ...settings, runLength: 8.6e5 }, memoryBaselines())
      const next = sticky(random, stay)
      const windows = (shares: Readonly<Record<string, number>>, until: boolean | undefined, most: number): number => {
        for (let seen = 0; seen < most;) {
          const reading = watch.decided('planner', 'planner', 'p1', next(shares))
          if (reading !== undefined) seen += 1
          if (reading?.drifting === until && until !== undefined) return seen
        }
        return most
      }
      for (let i = 0; i < settings.baselineDecisions; i++) watch.decided('planner', 'planner', 'p1', next())
      windows(HEALTHY, undefined, 10)
      const otherwise = { ...HEALTHY, pick: 0.3 - moved, charge: 0.1 + moved }
      took.push(windows(otherwise, true, 400))
      windows(otherwise, undefined, 30)
      cleared.push(windows(HEALTHY, false, 1000))
    }
    const mean = (of: readonly number[]): number => of.reduce((sum, n) => sum + n, 0) / of.length
    console.log(`  found in ${mean(took).toFixed(1)} windows on average, over ${mean(cleared).toFixed(1)} after it was`)
    // So many decisions of such a chain say as much as one that is drawn anew each time.
    const each = (1 + stay) / (1 - stay)
    assert.ok(mean(took) <= worth * each, `${mean(took)} windows`)
    assert.ok(mean(cleared) <= 15 * each + 15, `${mean(cleared)} windows`)
  })
}

test('with more actions than the bound nobody drifts who decides as before, and who leaves them does', () => {
  const random = seeded(5)
  for (const actions of [60, 70, 100]) {
    const watch = new DriftWatch({ ...settings, runLength: 1e5 }, memoryBaselines())
    let drifting = false
    const decide = (among: number, decisions: number): void => {
      for (let i = 0; i < decisions; i++) {
        const action = `goto-${Math.floor(random() * among)}`
        drifting = watch.decided('planner', 'planner', `p${i % 10}`, action)?.drifting ?? drifting
      }
    }
    decide(actions, 60_000)
    assert.is(drifting, false, `${actions} actions`)
    decide(10, 20_000)
    assert.is(drifting, true, `${actions} actions`)
  }
})

test('agents that live for less than a window are watched together', () => {
  const random = seeded(6)
  const watch = new DriftWatch({ ...settings, runLength: 1e5 }, memoryBaselines())
  const found: DriftReading[] = []
  let agents = 0
  const job = (share: number): void => {
    const id = `job-${agents++}`
    watch.began(id)
    for (let i = 0; i < 50; i++) assert.is(watch.decided('job', 'job', id, random() < share ? 'x' : 'y'), undefined)
    found.push(...watch.forget(id, 'job'))
  }
  for (let i = 0; i < 600; i++) job(0.5)
  assert.ok(found.length > 100)
  assert.ok(found.every(({ drifting, ofEnded }) => !drifting && ofEnded))
  for (let i = 0; i < 40; i++) job(0.8)
  assert.ok(found.at(-1)!.drifting)
  for (let i = 0; i < 200; i++) job(0.5)
  assert.not(found.at(-1)!.drifting)
  assert.is(watch.unwatched, 0)
})

test('what is told of agents that have ended takes no place of those that are there', () => {
  const watch = new DriftWatch({ ...settings, maxAgents: 100 }, memoryBaselines())
  for (let i = 0; i < settings.baselineDecisions; i++) watch.decided('job', 'job', 'first', 'ab'[i % 2]!)
  watch.forget('first', 'job')
  for (let i = 0; i < 300; i++) {
    watch.began(`job-${i}`)
    watch.forget(`job-${i}`, 'job')
    watch.decided('job', 'job', `job-${i}`, 'ab'[i % 2]!)
  }
  let last: DriftReading | undefined
  for (let i = 0; i < 10 * window; i++) last = watch.decided('job', 'job', 'new', 'a') ?? last
  assert.is(last?.drifting, true)
  assert.is(last?.ofEnded, false)
  assert.is(watch.unwatched, 0)
})

test('agents end in a time that does not grow with how many there are', () => {
  const cost = (agents: number): number => {
    const clock = createVirtualClock()
    const budget = { falseAlarmsPerDay: 1000, agents: 1 }
    const alarms = createAlarms({ clock, budget, drift: { windowDecisions: 20, baselineDecisions: 400 } })
    const infos = Array.from({ length: agents }, (_, i) => agentInfo({ id: `p${i}`, type: 'planner' }))
    for (let i = 0; i < 400; i++) alarms.decided(infos[0]!, { action: 'ab'[i % 2]! })
    // All of them drift, and all of their alarms are raised.
    for (const info of infos) for (let i = 0; i < 20; i++) alarms.decided(info, { action: 'c' })
    assert.is(alarms.active.length, agents)
    const before = process.cpuUsage()
    for (const info of infos) alarms.core.onStop?.(info, 'stopped')
    const { user } = process.cpuUsage(before)
    assert.is(alarms.active.length, 0)
    return user / agents
  }
  cost(500)
  const [few, many] = [cost(500), cost(9000)]
  assert.ok(many < 4 * few + 10, `${few} and ${many} microseconds each`)
})

test('the limit is the one of its run length', () => {
  const watch = new DriftWatch(settings, memoryBaselines())
  assert.ok(Math.abs(cusumRunLength(watch.limit, settings.k) - settings.runLength) < 1)
})

test.run()
