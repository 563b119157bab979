import { createMemoryLeases } from '@stigmergy/grid/store'
import { authorityCases } from '@stigmergy/grid/store/testing'
import { suite } from 'uvu'
import { openEnvironment } from '../../src/durable/environment.ts'
import { resolveDurableOptions } from '../../src/durable/options.ts'
import { createLmdbLeases } from '../../src/durable/lmdb-leases.ts'
import { createBench } from './authority-bench.ts'
import { newPlace } from './places.ts'

const test = suite('conformance of authorities')

for (const { name, run } of authorityCases) {
  test(`memory: ${name}`, async () => {
    const table = createMemoryLeases()
    const bench = createBench(async () => table)
    await run(bench)
    await bench.close()
  })

  test(`lmdb: ${name}`, async () => {
    const place = await newPlace()
    const options = resolveDurableOptions({ path: place.path })
    const environments = await Promise.all([openEnvironment(options), openEnvironment(options)])
    let at = 0
    const bench = createBench(async () => createLmdbLeases(environments[at++ % 2] as (typeof environments)[0]))
    try {
      await run(bench)
      await bench.close()
    } finally {
      await Promise.all(environments.map((environment) => environment.close()))
      await place.done()
    }
  })
}

test.run()
