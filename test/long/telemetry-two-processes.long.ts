import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { seeded } from '../telemetry/seeded.ts'
import { runPipelines } from '../telemetry/two-processes.ts'

const test = suite('100,000 pipelines over two processes')

for (const seed of [1, 2]) {
  test(`every faulty one is exported whole, and few others (seed ${seed})`, async () => {
    const result = await runPipelines(100_000, seeded(seed))
    console.log(JSON.stringify(result))
    assert.ok(result.faulty > 900, String(result.faulty))
    assert.equal(result.incomplete, [])
    assert.ok(result.exported / result.pipelines <= 0.02, `${result.exported} of ${result.pipelines} exported`)
    for (const ratio of result.ratios) assert.ok(ratio >= 0.999, result.ratios.join())
    assert.equal([result.dropped, result.lost], [0, 0])
  })
}

test.run()
