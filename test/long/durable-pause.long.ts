import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { lmdbContender, pauseRounds } from '../../packages/grid/test/durable/pause-rounds.ts'
import { newPlace } from '../../packages/grid/test/durable/places.ts'

const test = suite('SIGSTOP past the lease, long')

test('200 rounds', async () => {
  const place = await newPlace()
  try {
    const { fenced } = await pauseRounds(lmdbContender(place.path), 200)
    assert.ok(fenced >= 100, `${fenced} writes of a stale holder were refused`)
  } finally {
    await place.done()
  }
})

test.run()
