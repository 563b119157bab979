import { createSystem } from '@stigmergy/core'
import { createVirtualClock, openGrid } from '@stigmergy/grid'
import { telemetryHooks } from '@stigmergy/telemetry'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openFlight } from './support/flight.ts'
import { memoryMeter, summary } from './support/otel.ts'
import { setup } from './support/xstate.ts'

const test = suite('what is a decision, and how old its world')

const LONG_MS = 10_000

/** A planner that plans on `plan`, takes in parts, and has no use for poses. */
async function setUp(flight: boolean) {
  const { meter, read, close } = memoryMeter()
  const clock = createVirtualClock({ wallStartMs: LONG_MS })
  const grid = await openGrid({ clock })
  const telemetry = telemetryHooks({ meter, clock, flight: flight ? openFlight().flight : undefined })
  const system = createSystem({ grid, hooks: telemetry.core })
  const [parts, poses] = [grid.map<number>('parts'), grid.map<number>('poses')]
  const machine = setup({}).createMachine({
    id: 'planner',
    on: { plan: { actions: () => {} }, 'parts.put': { actions: () => {} }, 'shot.put': { actions: () => {} } },
  })
  const spawn = () => system.spawn(machine, { id: 'p1', stage: 'planning', watch: { parts, poses } })
  return {
    ...{ clock, parts, poses, spawn, system },
    counts: async (name: string) => (await read(name)).map((point) => summary(point).count),
    sums: async (name: string) => (await read(name)).map((point) => summary(point).sum),
    worldSeconds: async () => (await read('agent_worldmodel_timestamp_seconds')).map(({ value }) => value),
    async close() {
      await system.close()
      await grid.close()
      await close()
    },
  }
}

for (const flight of [false, true]) {
  const name = flight ? ', with a recorder' : ''

  test(`what an agent ignores is no decision, though it waited${name}`, async () => {
    const bench = await setUp(flight)
    await bench.spawn()
    for (let i = 0; i < 20; i++) await bench.poses.put('pose', i)
    await bench.clock.advance(0)
    for (let i = 0; i < 3; i++) bench.system.send('p1', { type: 'plan' })
    // Says nothing of the world either.
    bench.system.send('p1', { type: 'no use for this' })
    await bench.clock.advance(0)
    for (const metric of ['agent_decision_latency_seconds', 'planning_latency_seconds'])
      assert.equal(await bench.counts(metric), [3], metric)
    assert.equal(await bench.counts('agent_mailbox_wait_seconds'), [24])
    // It took in nothing of the world.
    assert.equal(await bench.counts('agent_worldmodel_age_seconds'), [])
    assert.equal(await bench.worldSeconds(), [])
    await bench.close()
  })

  test(`a world that nobody changed for a long time is so old to an agent that begins${name}`, async () => {
    const bench = await setUp(flight)
    await bench.parts.put('p1', 1)
    await bench.clock.advance(LONG_MS)
    await bench.spawn()
    await bench.clock.advance(0)
    // The wall clock began with that.
    assert.equal(await bench.worldSeconds(), [10])
    bench.system.send('p1', { type: 'shot.put' })
    await bench.poses.put('pose', 1)
    await bench.clock.advance(0)
    assert.equal(await bench.sums('agent_worldmodel_age_seconds'), [20])
    await bench.parts.put('p1', 2)
    await bench.clock.advance(0)
    assert.equal(await bench.worldSeconds(), [20])
    assert.equal(await bench.sums('agent_worldmodel_age_seconds'), [20])
    await bench.close()
  })
}

test.run()
