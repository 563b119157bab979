import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { checkDamage } from '../../packages/grid/test/durable/damage-rounds.ts'
import { quickPlace } from '../../packages/grid/test/durable/places.ts'

const test = suite('damaged pages, long')

// Another file each time.
for (let part = 1; part <= 10; part++) {
  test(`300 rounds, part ${part} of 10`, async () => {
    const place = await quickPlace()
    try {
      const { told, right } = await checkDamage(place.path, 300, 100 + part)
      assert.ok(told > 150 && right > 10, `${told} were told, ${right} harmed nothing`)
    } finally {
      await place.done()
    }
  })
}

test.run()
