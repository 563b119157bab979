import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { jointRounds } from '../../packages/grid/test/durable/joint-rounds.ts'
import { newPlace } from '../../packages/grid/test/durable/places.ts'
import { createRandom } from '../../packages/grid/test/random.ts'

const test = suite('kill -9 in the middle of transactions of store and maps, level process, long')

test('500 rounds', async () => {
  const place = await newPlace()
  try {
    const { acknowledged } = await jointRounds(place.path, 500, createRandom(12))
    assert.ok(acknowledged > 5000, `${acknowledged} transactions were acknowledged`)
  } finally {
    await place.done()
  }
})

test.run()
