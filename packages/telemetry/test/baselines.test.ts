import { createVirtualClock, openGrid, type Grid } from '@stigmergy/grid'
import { createAlarms, gridBaselines, memoryBaselines, type Baseline, type BaselineStore } from '@stigmergy/telemetry'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('where baselines are kept')

const KEY = '["planner","",""]'
const HEALTHY = 'aaabb'
const MOVED = 'cccbb'
/** Of windows of 20. */
const LEARNED = 400

/** Alarms over a store, and an agent whose decisions are those of a text, again and again. */
function watching(baselines: BaselineStore) {
  const alarms = createAlarms({ clock: createVirtualClock(), baselines, drift: { windowDecisions: 20, baselineDecisions: LEARNED } })
  return {
    alarms,
    drifting: () => alarms.active.length > 0,
    decide(actions: string, decisions: number) {
      for (let i = 0; i < decisions; i++)
        alarms.decided({ id: 'p1', type: 'planner' }, { action: actions[i % actions.length] as string, stratum: '' })
    },
  }
}

/** The same grid with a map whose updates can be made to fail. */
function failing(grid: Grid, fails: () => boolean): Grid {
  const real = grid.map<Baseline>('telemetry.baselines')
  const update: typeof real.update = (...args) => (fails() ? Promise.reject(new Error('the cluster is away')) : real.update(...args))
  const map = Object.create(real, {
    update: { value: update },
    peek: { value: (key: string) => real.peek(key) },
  }) as typeof real
  return Object.create(grid, { map: { value: () => map }, clock: { value: grid.clock } }) as Grid
}

test('what the grid does not take counts in this process, and is offered again until the grid has one', async () => {
  const clock = createVirtualClock()
  const grid = await openGrid({ clock })
  let [away, told] = [true, 0]
  const store = gridBaselines(
    failing(grid, () => away),
    { onError: () => void (told += 1) },
  )
  const stored = (): Baseline | undefined => grid.map<Baseline>('telemetry.baselines').peek(KEY)?.value
  const { decide, drifting } = watching(store)
  decide(HEALTHY, LEARNED)
  await clock.advance(0)
  decide(HEALTHY, 400)
  assert.is(drifting(), false)
  decide(MOVED, 400)
  assert.is(drifting(), true, 'it goes by what it learned')
  assert.is(told, 1)
  await clock.advance(59_999)
  decide(HEALTHY, 1)
  await clock.advance(1)
  assert.is(told, 1)
  decide(HEALTHY, 2)
  await clock.advance(0)
  assert.is(told, 2, 'once a minute')
  away = false
  assert.is(stored(), undefined)
  await clock.advance(60_000)
  decide(HEALTHY, 2)
  await clock.advance(0)
  assert.equal(stored(), { version: 1, actions: { a: 240, b: 160 } })
  // What the grid has is what counts.
  await grid.map<Baseline>('telemetry.baselines').put(KEY, { version: 2, actions: { c: 240, b: 160 } })
  assert.is(store.peek(KEY)?.version, 2)
  await grid.close()
})

test('one that was removed is learned again, and another of the same version is another one', async () => {
  const clock = createVirtualClock()
  const grid = await openGrid({ clock })
  const map = grid.map<Baseline>('telemetry.baselines')
  const { decide, drifting } = watching(gridBaselines(grid))
  decide(HEALTHY, LEARNED)
  await clock.advance(0)
  decide(HEALTHY, 100)
  await map.remove(KEY)
  decide(MOVED, LEARNED)
  await clock.advance(0)
  assert.equal(map.peek(KEY)?.value, { version: 1, actions: { c: 240, b: 160 } })
  decide(MOVED, 400)
  assert.is(drifting(), false)
  decide(HEALTHY, 400)
  assert.is(drifting(), true)
  // The same once more is the same one: what was found by it stands.
  await map.put(KEY, { actions: { b: 160, c: 240 }, version: 1 })
  decide(MOVED, 20)
  assert.is(drifting(), true)
  await grid.close()
})

for (const [what, value] of [
  ['a sum that is no number', { version: 1, actions: { a: 1e308, b: 1e308 } }],
  ['counts of a list', { version: 1, actions: [300, 200] }],
  ['a share', { version: 1, actions: { a: 0.6, b: 0.4 } }],
  ['too few decisions', { version: 1, actions: { a: 239, b: 160 } }],
  ['no next version', { version: Number.MAX_SAFE_INTEGER, actions: { a: 300, b: 100 } }],
  ['a version below 1', { version: 0, actions: { a: 300, b: 100 } }],
  ['a dispersion that hides all', { version: 1, actions: { a: 300, b: 100 }, dispersion: 1e300 }],
] as const) {
  test(`what could not be learned is no baseline: ${what}`, async () => {
    const clock = createVirtualClock()
    const grid = await openGrid({ clock })
    const map = grid.map<unknown>('telemetry.baselines')
    await map.put(KEY, value)
    const errors: string[] = []
    const { decide, drifting } = watching(gridBaselines(grid, { onError: (error) => void errors.push(String(error)) }))
    decide(HEALTHY, LEARNED)
    await clock.advance(0)
    assert.equal(errors, [`TypeError: telemetry.baselines holds no baseline at ${KEY}`])
    assert.equal(map.peek(KEY)?.value, { version: 1, actions: { a: 240, b: 160 } })
    decide(HEALTHY, 400)
    assert.is(drifting(), false)
    decide(MOVED, 400)
    assert.is(drifting(), true)
    await grid.close()
  })
}

/** A store whose copy is not here yet. */
function late(version: number | undefined) {
  const inner = memoryBaselines()
  if (version !== undefined) inner.save(KEY, { version, actions: { a: 240, b: 160 } })
  let here = false
  const store: BaselineStore = { peek: (key) => (here ? inner.peek(key) : undefined), save: (key, baseline) => inner.save(key, baseline) }
  return { store, inner, arrives: () => (here = true) }
}

test('relearn is not lost where it is not known yet what is stored', () => {
  const { store, inner, arrives } = late(3)
  const { alarms, decide, drifting } = watching(store)
  alarms.relearn('planner')
  decide(MOVED, 200)
  arrives()
  decide(MOVED, 200)
  assert.equal(inner.peek(KEY), { version: 4, actions: { c: 240, b: 160 } })
  decide(MOVED, 400)
  assert.is(drifting(), false)
})

test('what was learned before it was known is the next version, and the first one where there was none', () => {
  for (const [before, after] of [
    [3, 4],
    [1, 2],
    [undefined, 1],
  ] as const) {
    const { store, inner, arrives } = late(before)
    const { alarms, decide, drifting } = watching(store)
    alarms.relearn('planner')
    decide(MOVED, LEARNED)
    arrives()
    decide(MOVED, 400)
    assert.equal(inner.peek(KEY), { version: after, actions: { c: 240, b: 160 } })
    assert.is(drifting(), false)
    decide(HEALTHY, 400)
    assert.is(drifting(), true)
  }
})

test('the number of an action is its name, and a decision without one is counted', () => {
  const alarms = createAlarms({ clock: createVirtualClock(), drift: { windowDecisions: 20, baselineDecisions: LEARNED } })
  const decide = (action: unknown): boolean => alarms.decided({ id: 'p1', type: 'planner' }, { action: action as string })
  for (let i = 0; i < LEARNED; i++) decide(i % 3)
  for (let i = 0; i < 400; i++) decide(i % 3)
  assert.equal(alarms.active, [])
  for (let i = 0; i < 400; i++) decide(i % 2)
  assert.is(alarms.active[0]?.kind, 'drift')
  assert.is(alarms.guestErrors, 0)
  // What it was decided on is looked at all the same.
  assert.is(decide(undefined), true)
  assert.is(alarms.decided({ id: 'p1', type: 'planner' }, { action: null as never, readAgesMs: [1000] }), false)
  assert.is(alarms.guestErrors, 2)
})

test.run()
