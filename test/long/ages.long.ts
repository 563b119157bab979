import { startCluster } from '@stigmergy/grid/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { describeAges, runAges, type AgeRunOptions } from '../../packages/grid/test/chaos/age-run.ts'
import { createRandom } from '../../packages/grid/test/random.ts'

const test = suite('age-truth experiment, long')

const PHASES: AgeRunOptions['phases'] = [
  ['nothing', 10_000],
  ['writer slow', 5000],
  ['links slow in turn', 12_000],
  ['events dropped', 10_000],
  ['reader stalled', 5000],
  ['member paused', 3000],
  ['nothing', 3000],
  ['member joined', 5000],
  ['member killed', 5000],
  ['member joined', 5000],
  ['events dropped', 5000],
  ['nothing', 5000],
]

for (const members of [1, 3]) {
  test(`1,000 writes/s, ${members} member(s)`, async () => {
    await using cluster = await startCluster({ members, maxSilenceSeconds: 20 })
    const phases = members === 1 ? PHASES.slice(0, 1) : PHASES
    const run = await runAges({ cluster, writers: 2, perSecond: 1000, random: createRandom(6), phases: [['nothing', 5000], ...phases] })
    console.log(`${members} member(s), the first line while the processes warm up\n${describeAges(run)}`)
    assert.equal(run.lies.slice(0, 5), [])
    assert.equal(run.wrong, [])
  })
}

test.run()
