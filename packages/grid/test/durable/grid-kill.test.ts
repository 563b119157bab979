import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createRandom } from '../random.ts'
import { gridKillRounds } from './grid-kill-rounds.ts'
import { newPlace } from './places.ts'

const test = suite('kill -9 in the middle of map writes, level process')

test('25 rounds: what was acknowledged is there and whole, and a watcher in another process misses nothing', async () => {
  const place = await newPlace()
  try {
    const { told } = await gridKillRounds(place.path, 25, createRandom(3))
    assert.ok(told > 50, `${told} writes were acknowledged`)
  } finally {
    await place.done()
  }
})

test.run()
