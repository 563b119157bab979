import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createRandom } from '../random.ts'
import { jointRounds } from './joint-rounds.ts'
import { newPlace } from './places.ts'

const test = suite('kill -9 in the middle of transactions of store and maps, level process')

test('6 rounds: a record and an entry are written both or not at all, and a watcher in another process hears each', async () => {
  const place = await newPlace()
  try {
    const { acknowledged } = await jointRounds(place.path, 6, createRandom(11))
    assert.ok(acknowledged > 50, `${acknowledged} transactions were acknowledged`)
  } finally {
    await place.done()
  }
})

test.run()
