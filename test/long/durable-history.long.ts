import { suite } from 'uvu'
import { historyRound } from '../../packages/grid/test/durable/history-rounds.ts'
import { newPlace } from '../../packages/grid/test/durable/places.ts'
import { createRandom } from '../../packages/grid/test/random.ts'

const test = suite('histories of several processes, level process, long')

test('100 rounds', async () => {
  for (let seed = 101; seed <= 200; seed++) {
    const place = await newPlace()
    try {
      await historyRound(place.path, seed, createRandom(seed))
    } finally {
      await place.done()
    }
  }
})

test.run()
