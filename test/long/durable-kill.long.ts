import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { killRounds } from '../../packages/grid/test/durable/kill-rounds.ts'
import { newPlace } from '../../packages/grid/test/durable/places.ts'
import { createRandom } from '../../packages/grid/test/random.ts'

const test = suite('kill -9 in the middle of commits, long')

test('1000 rounds', async () => {
  const place = await newPlace()
  try {
    const told = await killRounds(place.path, 1000, createRandom(2))
    assert.ok(told > 1000, `${told} commits were acknowledged`)
  } finally {
    await place.done()
  }
})

test.run()
