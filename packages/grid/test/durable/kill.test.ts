import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createRandom } from '../random.ts'
import { killRounds } from './kill-rounds.ts'
import { newPlace } from './places.ts'

const test = suite('kill -9 in the middle of commits')

test('50 rounds: what was acknowledged is there, nothing is half-written, the store opens every time', async () => {
  const place = await newPlace()
  try {
    const told = await killRounds(place.path, 50, createRandom(1))
    assert.ok(told > 50, `${told} commits were acknowledged`)
  } finally {
    await place.done()
  }
})

test.run()
