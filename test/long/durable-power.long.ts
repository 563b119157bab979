import { suite } from 'uvu'
import { canLogWrites, powerCuts } from '../../packages/grid/test/durable/power/power-cuts.ts'
import { newPlace } from '../../packages/grid/test/durable/places.ts'
import { createRandom } from '../../packages/grid/test/random.ts'
import { needs } from '../runner/needs.ts'

const test = suite('power cuts, long')
const onLinux = needs(test, 'Linux and a C compiler', await canLogWrites())

for (const level of ['host', 'process'] as const) {
  for (let part = 1; part <= 5; part++) {
    onLinux(`level ${level}, 200 cuts, part ${part} of 5`, async () => {
      const place = await newPlace()
      try {
        const { kept, lost } = await powerCuts(place.path, { level, cuts: 200, random: createRandom(20 + part) })
        console.log(`level ${level}: ${kept} images had all that was acknowledged, ${lost} had lost some`)
      } finally {
        await place.done()
      }
    })
  }
}

test.run()
