import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { child, memoryStore, type Durability, type Strategy } from '../src/index.ts'
import { below, forSeeds } from './seeds.ts'
import { add, counter, openBench } from './support.ts'

const test = suite('supervise what is stored')

const DURABILITIES: readonly Durability[] = ['none', 'checkpoint', 'gated']
const STRATEGIES: readonly Strategy[] = ['one-for-one', 'one-for-all', 'rest-for-one']

test('what a group has counted before it is brought down is what it goes on with, as each is kept (seeded)', async () => {
  await forSeeds(60, async (random) => {
    const store = memoryStore()
    const bench = await openBench({ store, random })
    const durability = DURABILITIES[below(random, 3)] ?? 'none'
    const strategy = STRATEGIES[below(random, 3)] ?? 'one-for-one'
    const ids = ['a', 'b', 'c']
    const children = ids.map((id) => child(counter, { id, durability }))
    const tree = await bench.system.supervise({ id: 's', strategy, maxRestarts: 1000, backoff: { minMs: 1, maxMs: 20 }, children })
    const sums = new Map(ids.map((id) => [id, 0]))
    for (let round = 0; round < 20; round++) {
      const id = ids[below(random, 3)] ?? 'a'
      if (random() < 0.3) {
        // What waits is kept: it would be handled after the restart.
        await bench.settle()
        bench.system.send(id, { type: 'boom' })
        await bench.clock.advance(100)
        const from = ids.indexOf(id)
        const down = strategy === 'one-for-one' ? [id] : strategy === 'one-for-all' ? ids : ids.slice(from)
        if (durability === 'none') for (const one of down) sums.set(one, 0)
      } else {
        const by = below(random, 5)
        assert.is(bench.system.send(id, add(by)), true)
        sums.set(id, (sums.get(id) ?? 0) + by)
        if (random() < 0.5) await bench.settle()
      }
    }
    await bench.clock.advance(100)
    for (const id of ids)
      assert.is(
        (bench.system.agent(id)?.snapshot.context as { sum: number } | undefined)?.sum,
        sums.get(id),
        `${durability} ${strategy} ${id}`,
      )
    await tree.stop()
    assert.equal([bench.system.agents, bench.clock.pending], [[], 0])
    await bench.close()
  })
})

test.run()
