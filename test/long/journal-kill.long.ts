import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { newPlace } from '../../packages/grid/test/durable/places.ts'
import { killRounds } from '../../packages/grid/test/journal/kill-rounds.ts'
import { createRandom } from '../../packages/grid/test/random.ts'

const test = suite('kill -9 in the middle of appends and blob writes, long')

test('1000 rounds', async () => {
  const place = await newPlace()
  try {
    const { records, blobs } = await killRounds(place.path, 1000, createRandom(6))
    assert.ok(records > 1000 && blobs > 1000, `${records} records and ${blobs} blobs`)
  } finally {
    await place.done()
  }
})

test.run()
