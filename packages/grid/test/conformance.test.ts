import { bounded, embedded } from '@stigmergy/grid'
import { gridCases } from '@stigmergy/grid/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createBench } from './bench.ts'
import { remote } from './remote-backend.ts'

// The suite itself, and again over a decorated backend: one that gives nothing back but bytes, and later.
const backends = { embedded, 'embedded, as if remote': () => remote(embedded()), 'embedded, bounded': () => bounded(remote(embedded())) }

for (const [name, backend] of Object.entries(backends)) {
  const test = suite(`conformance: ${name}`)
  for (const { name: behaviour, needs = [], run } of gridCases) {
    if (name !== 'embedded' && needs.includes('linearizable')) continue
    test(behaviour, async () => {
      const bench = createBench(backend())
      try {
        await run(bench)
      } finally {
        await bench.close()
      }
      assert.is(bench.clock.pending, 0, 'close leaves no timer')
    })
  }
  test.run()
}
