// 400,000 parts, 20 consecutive seeds, two cells, two laws of the pick time: about an hour.
import { createVirtualClock, openGrid } from '@stigmergy/grid'
import { simulate } from '@stigmergy/robotics-swarm'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('simulation against Erlang, 400,000 parts')

const PARTS = 400_000
const FIRST_SEED = Number(process.env['STIGMERGY_FIRST_SEED'] ?? 1)
const SEEDS = 20
const CELLS = [
  { robots: 4, offeredLoad: 3 },
  { robots: 8, offeredLoad: 6 },
] as const

for (const cell of CELLS) {
  for (const pickTime of ['deterministic', 'exponential'] as const) {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
      test(`n=${cell.robots}, a=${cell.offeredLoad}, ${pickTime}, seed ${seed}`, async () => {
        const grid = await openGrid({ clock: createVirtualClock() })
        const report = await simulate({ ...cell, pickTime, seed, parts: PARTS }, { grid })
        await grid.close()
        const lines = report.checks.map(
          (check) => `${check.pass ? 'PASS' : 'FAIL'} ${check.name}: ${check.measured} (${check.expected} ± ${check.tolerance})`,
        )
        console.log(lines.join('\n'))
        assert.ok(report.pass, lines.filter((line) => line.startsWith('FAIL')).join('\n'))
      })
    }
  }
}

test.run()
