// The short form of test/long/simulation.long.ts: the same code, fewer parts and seeds.
import { createVirtualClock, openGrid } from '@stigmergy/grid'
import { simulate } from '@stigmergy/robotics-swarm'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('simulation against Erlang')

const RUNS = [
  { robots: 4, offeredLoad: 3, pickTime: 'deterministic', seed: 1, parts: 30_000 },
  { robots: 8, offeredLoad: 6, pickTime: 'exponential', seed: 2, parts: 30_000 },
] as const

for (const run of RUNS) {
  test(`n=${run.robots}, a=${run.offeredLoad}, ${run.pickTime}: miss rate and loads are those of the formula`, async () => {
    const grid = await openGrid({ clock: createVirtualClock() })
    const report = await simulate(run, { grid })
    await grid.close()
    assert.ok(report.pass, JSON.stringify(report.checks.filter((check) => !check.pass)))
  })
}

test.run()
