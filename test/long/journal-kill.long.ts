import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { newPlace } from '../../packages/grid/test/durable/places.ts'
import { killRounds } from '../../packages/grid/test/journal/kill-rounds.ts'
import { createRandom } from '../../packages/grid/test/random.ts'

const test = suite('kill -9 in the middle of appends and blob writes, long')

// A place of its own for each hundred: every round looks at all that is there.
for (let part = 1; part <= 10; part++) {
  test(`100 rounds, part ${part} of 10`, async () => {
    const place = await newPlace()
    try {
      const { records, blobs } = await killRounds(place.path, 100, createRandom(5 + part))
      assert.ok(records > 100 && blobs > 100, `${records} records and ${blobs} blobs`)
    } finally {
      await place.done()
    }
  })
}

test.run()
