import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createRandom } from '../random.ts'
import { historyRound } from './history-rounds.ts'
import { newPlace } from './places.ts'

const test = suite('histories of several processes, level process')

test('3 rounds: strong operations on maps, commits and leases are linearizable, with a process killed and one paused', async () => {
  for (let seed = 1; seed <= 3; seed++) {
    const place = await newPlace()
    try {
      const { map = 0, store = 0, lease = 0 } = await historyRound(place.path, seed, createRandom(seed))
      assert.ok(map > 100 && store > 30 && lease > 50, `seed ${seed}: ${map} ${store} ${lease} operations`)
    } finally {
      await place.done()
    }
  }
})

test.run()
