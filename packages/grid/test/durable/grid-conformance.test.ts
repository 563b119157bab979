import { embedded, openGrid, type Grid } from '@stigmergy/grid'
import { gridCases } from '@stigmergy/grid/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createBench, type TestBench } from '../bench.ts'
import { newPlace } from './places.ts'

const test = suite('conformance: embedded in a directory, level process')

/** Guests that write when they are told make more of it: so many writes one after the other are waited for. */
const ROUNDS = 12

/** A bench whose commits take real time, while its clock stands still. */
function durableBench(path: string): TestBench {
  const backend = embedded({ path })
  const bench = createBench(backend)
  let barrier: Grid | undefined
  return {
    ...bench,
    async settle() {
      barrier ??= await openGrid(backend, { clock: bench.clock })
      for (let round = 0; round < ROUNDS; round++) {
        await barrier.map('barrier').put('k', round)
        await bench.settle()
      }
    },
    async close() {
      await Promise.all([bench.close(), barrier?.close()])
    },
  }
}

// A transaction of lmdb ends on a thread of its own, so no write is committed inside its call: `in-call` is for memory only.
for (const { name, run, needs = [] } of gridCases.filter((one) => one.needs?.includes('in-call') !== true)) {
  test(`${name}${needs.length > 0 ? ` (${needs.join()})` : ''}`, async () => {
    const place = await newPlace()
    const bench = durableBench(place.path)
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
