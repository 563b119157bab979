import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createCodec } from '../src/map/codec.ts'
import { seal } from '../src/map/seal.ts'
import { boundBytes } from '../src/map/size-bound.ts'

const test = suite('a bound of the packed size')
const codec = createCodec()

test('is never below what packing gives', () => {
  const values: unknown[] = [
    null,
    true,
    0,
    -1.5,
    Number.MAX_VALUE,
    2 ** 53,
    '',
    'ascii',
    '€'.repeat(100_000),
    '🤖'.repeat(70_000),
    [],
    {},
    Array.from({ length: 70_000 }, (_, n) => n / 3),
    Object.fromEntries(Array.from({ length: 65_535 }, (_, n) => [`é${n}`, n])),
    { deep: [{ deeper: [[['x'], null], { y: [false] }] }] },
    new Map([['k', new Set([1])]]),
    new Date(0),
    new Uint8Array(100),
    { big: 2n ** 70n },
  ]
  for (const value of values) {
    const sealed = seal(value)
    const packed = codec.packValue(sealed).length
    assert.ok(boundBytes(sealed.value) >= packed, `${packed} bytes of ${String(value).slice(0, 40)}`)
  }
})

test('is near enough that common values need no packing to find out', () => {
  const value = { x: 1.25, owner: 'r1', tags: ['steel', 'drilled'], note: 'n'.repeat(80) }
  assert.ok(boundBytes(value) < 4 * codec.packValue(seal(value)).length)
  assert.is(boundBytes(new Map()), Infinity, 'packed to find out')
  const many = Object.fromEntries(Array.from({ length: 65_536 }, (_, n) => [`k${n}`, n]))
  assert.is(boundBytes([many]), Infinity, 'the codec refuses it, and that has to be said to whoever puts it')
  assert.throws(() => codec.packValue(seal(many)))
})

test.run()
