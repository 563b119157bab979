import assert from 'node:assert/strict'
import { refusal, type GridCase } from './case.ts'

class Point {
  x = 1
}

const circle: Record<string, unknown> = {}
circle['inner'] = [circle]

/** What must come back as it went in. */
export const storableValues: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  2 ** 40,
  Number.MAX_SAFE_INTEGER,
  -Number.MAX_VALUE,
  Infinity,
  '',
  'Fördergut \u{1f916} 件',
  'x'.repeat(70_000),
  [],
  [1, [2, [3]], null],
  {},
  { a: 1, 'b c': { d: 'e' }, constructor: 'x', toJSON: 1, length: 3, 7: 8 },
  0n,
  -5n,
  2n ** 63n,
  -(2n ** 200n),
  new Date(0),
  new Date(1_700_000_000_123),
  new Date(-1),
  new Date(8.64e15),
  new Uint8Array([0, 1, 255]),
  new Uint8Array(0),
  new Map<unknown, unknown>([
    ['a', 1],
    [2, { b: new Map() }],
    [{ c: 1 }, [new Set([1])]],
  ]),
  new Set<unknown>([1, 'a', { b: 1 }, new Set(['map', []])]),
  { deep: [{ map: new Map([[1n, new Date(5)]]), bytes: new Uint8Array([9]) }] },
]

/** What is refused, and the text of the refusal. */
export const refusedValues: readonly (readonly [value: unknown, text: string])[] = [
  [undefined, 'value is undefined'],
  [NaN, 'value is NaN'],
  [() => 1, 'value is a function'],
  [Symbol('s'), 'value is a symbol'],
  [{ x: NaN }, 'value.x is NaN'],
  [{ owner: undefined }, 'value.owner is undefined'],
  [{ parts: [{ x: 1 }, { x: { 'y z': () => 1 } }] }, 'value.parts[1].x["y z"] is a function'],
  // oxlint-disable-next-line no-sparse-arrays
  [[1, , 3], 'value[1] is undefined'],
  [{ at: new Point() }, 'value.at is a Point'],
  [[/x/], 'value[0] is a RegExp'],
  [new Float32Array(1), 'value is a Float32Array'],
  [{ when: new Date(NaN) }, 'value.when is an invalid Date'],
  [{ half: '\ud800' }, 'value.half holds half of a surrogate pair'],
  [{ 'a\ud800': 1 }, 'has half of a surrogate pair in its name'],
  [Object.fromEntries(Array.from({ length: 65_536 }, (_, n) => [n, 0])), 'value has 65536 names'],
  [{ [Symbol('s')]: 1 }, 'value has a symbol'],
  [JSON.parse('{"a":{"__proto__":1}}'), 'value.a.__proto__ is a name'],
  [circle, 'value.inner[0] contains itself'],
  [new Map([['k', { v: NaN }]]), 'value[0].v is NaN'],
  [new Map([[NaN, 1]]), 'value["key 0"] is NaN'],
  [new Set([undefined]), 'value[0] is undefined'],
  [JSON.parse(`${'['.repeat(200)}${']'.repeat(200)}`), 'nested deeper than 100 levels'],
]

/** What a value may be, and that readers share a frozen copy. */
export const valueCases: readonly GridCase[] = [
  {
    name: 'values come back as they went in, here and in another grid',
    async run(bench) {
      const [a, b] = [await bench.open(), await bench.open()]
      const [map, other] = [a.map<unknown>('m'), b.map<unknown>('m')]
      for (const [at, value] of storableValues.entries()) {
        await map.put(`k${at}`, value)
        await bench.settle()
        assert.deepEqual(map.peek(`k${at}`)?.value, value, `value ${at}`)
        assert.deepEqual(other.peek(`k${at}`)?.value, value, `value ${at} in the other grid`)
        assert.deepEqual((await other.get(`k${at}`, { consistency: 'strong' }))?.value, value)
      }
    },
  },
  {
    name: 'what cannot be stored faithfully is refused with its path, and nothing is written',
    async run(bench) {
      const map = (await bench.open()).map<unknown>('m')
      for (const [value, text] of refusedValues) {
        await assert.rejects(map.put('k', value), refusal('BAD_VALUE', text), text)
        await assert.rejects(map.compareAndSet('k', 0, value), refusal('BAD_VALUE', text))
      }
      assert.equal(map.size, 0)
    },
  },
  {
    name: 'what the writer does to its object later changes nothing',
    async run(bench) {
      const map = (await bench.open()).map<unknown>('m')
      const bytes = Buffer.from([1, 2])
      const value = { pos: { x: 1 }, tags: ['a'], seen: new Map([['k', [1]]]), bytes, when: new Date(5) }
      await map.put('k', value)
      value.pos.x = 2
      value.tags.push('b')
      value.seen.get('k')?.push(2)
      value.bytes[0] = 9
      value.when.setTime(6)
      const stored = { pos: { x: 1 }, tags: ['a'], seen: new Map([['k', [1]]]), bytes: new Uint8Array([1, 2]), when: new Date(5) }
      assert.deepEqual(map.peek('k')?.value, stored)
      assert.deepEqual((await map.get('k', { consistency: 'strong' }))?.value, stored)
    },
  },
  {
    name: 'readers cannot change what they share',
    async run(bench) {
      const [a, b] = [await bench.open(), await bench.open()]
      interface Value {
        pos: { x: number }
        tags: string[]
        seen: Map<string, number[]>
        ids: Set<number>
        when: Date
      }
      const [map, other] = [a.map<Value>('m'), b.map<Value>('m')]
      await map.put('k', { pos: { x: 1 }, tags: ['a'], seen: new Map([['k', [1]]]), ids: new Set([1]), when: new Date(5) })
      await bench.settle()
      for (const reader of [map, other]) {
        const entry = reader.peek('k')
        assert.ok(entry !== undefined && Object.isFrozen(entry))
        const { value } = entry
        const changes: readonly (() => unknown)[] = [
          () => (value.pos = { x: 2 }),
          () => (value.pos.x = 2),
          () => value.tags.push('b'),
          () => value.seen.set('l', []),
          () => value.seen.clear(),
          () => value.seen.get('k')?.push(2),
          () => value.ids.add(2),
          () => value.ids.delete(1),
          () => value.when.setTime(6),
          () => value.when.setHours(1),
        ]
        for (const change of changes) assert.throws(change, TypeError)
      }
    },
  },
]
