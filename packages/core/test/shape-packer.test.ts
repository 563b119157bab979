import { Packr } from 'msgpackr'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { planOf, ShapePacker } from '../src/durability/shape-packer.ts'
import { keysIn, shapeOf, type ObjectShape } from '../src/durability/shape.ts'
import { below, forSeeds } from './seeds.ts'

/** Packing a context of a known shape: what is packed here is read by the library. */
const test = suite('shape packer')

const PREFIX = Uint8Array.of(7, 7, 0, 0)

function packed(packer: ShapePacker, context: object, like: object = context): Uint8Array | undefined {
  return packer.pack(context, planOf(shapeOf(like) as ObjectShape), PREFIX)
}

function read(bytes: Uint8Array, like: object): unknown {
  const structures = keysIn(shapeOf(like)).map((keys) => [...keys])
  assert.equal([...bytes.subarray(0, 2), (bytes[2] as number) * 256 + (bytes[3] as number)], [7, 7, bytes.length - PREFIX.length])
  return new Packr({ moreTypes: true, structures, maxSharedStructures: structures.length }).unpack(bytes.subarray(PREFIX.length)) as unknown
}

const WHOLE = [0, 1, 63, 64, 127, 128, 255, 256, 65535, 65536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53]
const NEGATIVE = [-1, -32, -33, -128, -129, -32768, -32769, -(2 ** 31), -(2 ** 31) - 1, -(2 ** 53)]
const FRACTIONS = [0.5, 1.25, 0.1, -0.1, 1e300, 5e-324, 16777217.5, Number.NaN, Infinity, -Infinity]

test('every number comes back as it was, in as few bytes as the library has for whole ones', () => {
  const packer = new ShapePacker()
  for (const n of [...WHOLE, ...NEGATIVE, ...FRACTIONS]) {
    const bytes = packed(packer, { n }) as Uint8Array
    assert.ok(Object.is((read(bytes, { n }) as { n: number }).n, n), String(n))
    const theirs = new Packr({ moreTypes: true, structures: [['n']], maxSharedStructures: 1 }).pack({ n })
    assert.ok(bytes.length - PREFIX.length <= theirs.length, `${n} takes ${bytes.length - PREFIX.length} bytes, not ${theirs.length}`)
  }
})

test('texts of every length and lists of every length come back as they were', () => {
  const packer = new ShapePacker()
  for (const letter of ['a', 'ü', '水', '😀']) {
    for (const length of [0, 1, 7, 8, 15, 16, 31, 32, 63, 64, 65, 127, 128, 255, 256, 300, 1500]) {
      const context = { text: letter.repeat(length), after: 'end' }
      assert.equal(read(packed(packer, context) as Uint8Array, context), context)
    }
  }
  for (const length of [0, 1, 15, 16, 17, 255, 256, 2000]) {
    const context = { list: Array.from({ length }, (_, at) => at), flags: [true, false, null, undefined] }
    assert.equal(read(packed(packer, context) as Uint8Array, context), context)
  }
})

test('what is of another shape, larger than a slab or not simple is left to the library', () => {
  const like = { a: { b: 1 }, list: [{ c: 1 }], text: '' }
  const packer = new ShapePacker()
  const good = (): typeof like => ({ a: { b: 1 }, list: [{ c: 1 }], text: '' })
  const shared = { c: 1 }
  for (const other of [
    { ...good(), a: 1 },
    { ...good(), a: { b: 1, c: 2 } },
    { ...good(), a: {} },
    { ...good(), a: [] },
    {
      ...good(),
      a: new (class A {
        b = 1
      })(),
    },
    { ...good(), list: [] },
    { ...good(), list: {} },
    { ...good(), list: [shared, shared] },
    { ...good(), list: [{ c: () => 1 }] },
    { ...good(), text: 1n },
    { ...good(), text: Symbol('text') },
    { ...good(), text: () => '' },
    { ...good(), text: '\ud800' },
    { ...good(), text: 'x'.repeat(9000) },
    { ...good(), text: {} },
    { text: '', list: [{ c: 1 }], a: { b: 1 } },
    { ...good(), more: 1 },
  ])
    assert.is(packed(packer, other, like), undefined)
  // And nothing of these is left behind.
  assert.equal(read(packed(packer, good(), like) as Uint8Array, like), like)
})

test('what was given away is not written again (seeded)', () =>
  forSeeds(20, (random) => {
    const packer = new ShapePacker()
    const given: { readonly bytes: Uint8Array; readonly context: object }[] = []
    for (let n = 0; n < 200; n++) {
      const context = { n, text: 'x'.repeat(below(random, 400)), list: Array.from({ length: below(random, 20) }, () => random()) }
      const bytes = packed(packer, context)
      if (bytes !== undefined) given.push({ bytes, context })
      packed(packer, { ...context, n: () => n }, context)
    }
    assert.is(given.length, 200)
    for (const { bytes, context } of given) assert.equal(read(bytes, context), context)
  }))

test('a getter that packs with the same packer, or throws, spoils nothing', () => {
  const packer = new ShapePacker()
  const like = { a: 1, b: 2 }
  let inner: Uint8Array | undefined = PREFIX
  const sly = {
    a: 1,
    get b() {
      inner = packed(packer, { a: 3, b: 4 })
      return 2
    },
  }
  const outer = packer.pack(sly, planOf(shapeOf(like) as ObjectShape), PREFIX) as Uint8Array
  assert.equal([read(outer, like), inner], [like, undefined])
  const throwing = {
    a: 1,
    get b(): number {
      throw new Error('no')
    },
  }
  assert.throws(() => packed(packer, throwing, like), 'no')
  assert.equal(read(packed(packer, like) as Uint8Array, like), like)
})

test.run()
