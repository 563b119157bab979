import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { blobCuts } from '../../packages/grid/test/blobs/power/power-cuts.ts'
import { canLogWrites } from '../../packages/grid/test/durable/power/power-cuts.ts'
import { quickPlace } from '../../packages/grid/test/durable/places.ts'
import { createRandom } from '../../packages/grid/test/random.ts'
import { needs } from '../runner/needs.ts'

const test = suite('power cuts of blobs, long')
const onLinux = needs(test, 'Linux and a C compiler', await canLogWrites())

for (const mode of ['put', 'tag'] as const) {
  for (let part = 1; part <= 5; part++) {
    onLinux(`level host, ${mode}, 100 cuts, part ${part} of 5`, async () => {
      const place = await quickPlace()
      try {
        const { acknowledged, lost, broken } = await blobCuts(place.path, {
          level: 'host',
          mode,
          cuts: 100,
          random: createRandom(40 + part),
        })
        console.log(`${mode}: ${acknowledged} looks at what was acknowledged, ${lost} lost, ${broken} broken`)
        assert.equal([lost, broken], [0, 0])
      } finally {
        await place.done()
      }
    })
  }
}

test.run()
