import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { seeded } from './telemetry/seeded.ts'
import { runKilled, runPipelines } from './telemetry/two-processes.ts'

const test = suite('traces over two processes')
const seed = 7

test(`every faulty pipeline is exported whole, and few others (seed ${seed})`, async () => {
  const result = await runPipelines(20_000, seeded(seed))
  assert.ok(result.faulty > 150, String(result.faulty))
  assert.equal(result.incomplete, [])
  assert.is(result.holes, 0)
  assert.ok(result.exported / result.pipelines <= 0.02, `${result.exported} of ${result.pipelines} exported`)
  for (const ratio of result.ratios) assert.ok(ratio >= 0.999, result.ratios.join())
  assert.equal([result.dropped, result.lost], [0, 0])
})

test('the parts of a killed process are counted as lost', async () => {
  const { lost, holes, ratio } = await runKilled(400)
  assert.ok(holes >= 40, String(holes))
  assert.is(lost, holes)
  assert.ok(ratio < 0.1, String(ratio))
})

test.run()
