import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { needs } from '../../../../../test/runner/needs.ts'
import { createRandom } from '../../random.ts'
import { newPlace } from '../places.ts'
import { imageAt, type LogRecord } from './cut.ts'
import { canLogWrites, powerCuts } from './power-cuts.ts'

const test = suite('power cuts, on a file that loses what was not flushed')
const onLinux = needs(test, 'Linux and a C compiler', await canLogWrites())

for (const level of ['host', 'process'] as const) {
  const what = level === 'host' ? 'all that was acknowledged is there' : 'an earlier whole state is there'
  onLinux(`level ${level}, 40 cuts: ${what}, and nothing half-written`, async () => {
    const place = await newPlace()
    try {
      const { acknowledged, kept, lost } = await powerCuts(place.path, level, 40, createRandom(17))
      assert.ok(acknowledged > 100, `${acknowledged} commits were acknowledged`)
      assert.ok(level === 'process' || lost === 0, `${kept} kept, ${lost} lost`)
    } finally {
      await place.done()
    }
  })
}

test('an image has what was flushed, and of the rest what survives', () => {
  const write = (number: number, fill: number, kind: 'D' | 'W' = 'W'): LogRecord => ({ kind, number, bytes: Buffer.alloc(4096, fill) })
  const mark = (kind: 'B' | 'E', number: number): LogRecord => ({ kind, number, bytes: Buffer.alloc(0) })
  // The second write came after the flush began: its end says nothing of it.
  const log = [write(0, 1), mark('B', 1), write(4096, 2), mark('E', 1), write(8192, 3, 'D'), write(0, 4)]
  const pages = (image: Buffer): readonly number[] => Array.from({ length: image.length / 4096 }, (_, at) => image[at * 4096 + 4000] ?? 0)
  const at = (cut: number, fate: 'all' | 'none'): readonly number[] => pages(imageAt(log, cut, () => fate, Math.random))
  assert.equal([at(3, 'none'), at(4, 'none'), at(4, 'all'), at(6, 'none'), at(6, 'all')], [[], [1], [1, 2], [1, 0, 3], [4, 2, 3]])
})

test.run()
