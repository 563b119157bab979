import { openGrid, type Clock, type Grid, type GridBackend } from '@stigmergy/grid'
import { gridCases } from '@stigmergy/grid/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createDurableGrid } from '../../src/durable/grid/durable-grid.ts'
import { resolveEmbeddedOptions } from '../../src/embedded/embedded-options.ts'
import { createBench, type TestBench } from '../bench.ts'
import { quickPlace } from './places.ts'

/** Guests that write when they are told make more of it: so many writes one after the other are waited for. */
const ROUNDS = 12

/** The clock of the bench stands for the machine's, which is what several processes have in common. */
function backendAt(path: string): GridBackend {
  let clock: Clock | undefined
  const grid = createDurableGrid({ ...resolveEmbeddedOptions({ path }), machineMs: () => clock?.now() ?? 0 })
  return {
    name: path,
    open(context) {
      clock = context.clock
      return grid.open(context.clock)
    },
  }
}

/** A bench whose commits take real time, while its clock stands still. Each grid is opened on the next of the backends. */
function durableBench(path: string, count: number): TestBench {
  const backends = Array.from({ length: count }, () => backendAt(path))
  let opened = 0
  const bench = createBench({ name: path, open: (context) => (backends[opened++ % count] as GridBackend).open(context) })
  let barriers: readonly Grid[] = []
  return {
    ...bench,
    async settle() {
      if (barriers.length === 0) barriers = await Promise.all(backends.map((backend) => openGrid(backend, { clock: bench.clock })))
      const maps = barriers.map((grid) => grid.map<number>('barrier'))
      for (let round = 0; round < ROUNDS; round++) {
        for (const map of maps) {
          const { version } = await map.put('k', round)
          while (maps.some((each) => (each.peek('k')?.version ?? 0) < version)) await new Promise((resolve) => setImmediate(resolve))
        }
        await bench.settle()
      }
    },
    async close() {
      await Promise.all([bench.close(), ...barriers.map((grid) => grid.close())])
    },
  }
}

// A transaction of lmdb ends on a thread of its own, so no write is committed inside its call: `in-call` is for memory only.
// What another process writes is seen a moment later, in copies; `strong` reads see it at once.
const suites = [
  { name: 'embedded in a directory, level process', backends: 1, without: ['in-call'] },
  {
    name: 'embedded in a directory, each grid as in another process, level process',
    backends: 2,
    without: ['in-call', 'linearizable', 'ageless'],
  },
] as const

for (const { name: kind, backends, without } of suites) {
  const test = suite(`conformance: ${kind}`)
  for (const { name, run, needs = [] } of gridCases) {
    if (needs.some((need) => (without as readonly string[]).includes(need))) continue
    test(name, async () => {
      const place = await quickPlace()
      const bench = durableBench(place.path, backends)
      try {
        await run(bench)
      } finally {
        await bench.close()
        await place.done()
      }
      assert.is(bench.clock.pending, 0, 'close leaves no timer')
    })
  }
  test.run()
}
