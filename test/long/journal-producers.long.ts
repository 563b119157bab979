import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { newPlace } from '../../packages/grid/test/durable/places.ts'
import { manyProducers } from '../../packages/grid/test/journal/many-producers.ts'
import { createRandom } from '../../packages/grid/test/random.ts'

const test = suite('a journal of many producers, long')

test('200,000 records of 4 processes, the reader killed and resumed 30 times; memory stays flat', async () => {
  const place = await newPlace()
  try {
    const options = { path: place.path, producers: 4, recordsEach: 50_000, readerKills: 30, random: createRandom(4) }
    const { greatestLag, growthBytes } = await manyProducers(options)
    assert.ok(greatestLag > 0 && greatestLag <= 2000 + 4 * 200, `the lag was ${greatestLag}`)
    assert.ok(growthBytes < 64 * 1024 * 1024, `a producer grew by ${growthBytes} bytes`)
    console.log(`greatest lag ${greatestLag} records, a producer grew by ${growthBytes} bytes`)
  } finally {
    await place.done()
  }
})

test.run()
