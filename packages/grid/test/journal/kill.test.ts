import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { newPlace } from '../durable/places.ts'
import { createRandom } from '../random.ts'
import { killRounds } from './kill-rounds.ts'

const test = suite('kill -9 in the middle of appends and blob writes')

test('50 rounds: what was acknowledged is there, nothing is half-written, offsets have no hole', async () => {
  const place = await newPlace()
  try {
    const { records, blobs } = await killRounds(place.path, 50, createRandom(5))
    assert.ok(records > 50 && blobs > 50, `${records} records and ${blobs} blobs`)
  } finally {
    await place.done()
  }
})

test.run()
