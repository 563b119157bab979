import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { gridKillRounds } from '../../packages/grid/test/durable/grid-kill-rounds.ts'
import { newPlace } from '../../packages/grid/test/durable/places.ts'
import { createRandom } from '../../packages/grid/test/random.ts'

const test = suite('kill -9 in the middle of map writes, level process, long')

test('1000 rounds', async () => {
  const place = await newPlace()
  try {
    const { told } = await gridKillRounds(place.path, 1000, createRandom(4))
    assert.ok(told > 1000, `${told} writes were acknowledged`)
  } finally {
    await place.done()
  }
})

test.run()
