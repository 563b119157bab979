import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { newPlace } from '../durable/places.ts'
import { createRandom } from '../random.ts'
import { manyProducers } from './many-producers.ts'

const test = suite('a journal of many producers')

test('20,000 records of 4 processes, the reader killed and resumed: each once, in order, throttled by the lag', async () => {
  const place = await newPlace()
  try {
    const { greatestLag } = await manyProducers({
      path: place.path,
      producers: 4,
      recordsEach: 5000,
      readerKills: 4,
      random: createRandom(3),
    })
    // Each producer looks, then appends one group.
    assert.ok(greatestLag > 0 && greatestLag <= 2000 + 4 * 200, `the lag was ${greatestLag}`)
  } finally {
    await place.done()
  }
})

test.run()
