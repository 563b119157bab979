import assert from 'node:assert/strict'
import type { Entry } from '../map/entry.ts'
import { refusal, type GridCase } from './case.ts'

interface Part {
  readonly x: number
  readonly owner?: string
}

function keys(entries: readonly Entry<unknown>[]): readonly string[] {
  return entries.map(({ key }) => key)
}

/** Indexes of the near cache: right at once, and after every change. */
export const indexCases: readonly GridCase[] = [
  {
    name: 'an index by a key follows every change, in every grid',
    async run(bench) {
      const [a, b] = [await bench.open(), await bench.open()]
      const [map, other] = [a.map<Part>('parts'), b.map<Part>('parts')]
      await map.put('p1', { x: 1, owner: 'r1' })
      await bench.settle()
      const [mine, theirs] = [map, other].map((one) => one.index({ by: ({ owner }) => owner }))
      await map.put('p2', { x: 2, owner: 'r1' })
      await map.put('p3', { x: 3 })
      await map.put('p1', { x: 1, owner: 'r2' })
      await bench.settle()
      for (const index of [mine, theirs]) {
        assert.deepEqual([keys(index?.equals('r1') ?? []), keys(index?.equals('r2') ?? [])], [['p2'], ['p1']])
        assert.deepEqual([index?.keys().toSorted(), index?.size, index?.equals('nobody')], [['r1', 'r2'], 2, []])
      }
      assert.equal(mine?.equals('r1')[0], map.peek('p2'), 'the stored entry itself')
      await map.remove('p2')
      await map.clear()
      await bench.settle()
      for (const index of [mine, theirs]) assert.deepEqual([index?.keys(), index?.size], [[], 0])
    },
  },
  {
    name: 'a sorted index gives a range, both ends included',
    async run(bench) {
      const map = (await bench.open()).map<Part>('parts')
      const index = map.index({ sortedBy: ({ x }) => x })
      await map.putAll([1.8, 0.5, 1.2, 2.5, 1.5, 1.2].map((x, at) => [`p${at}`, { x }]))
      await bench.settle()
      assert.deepEqual(keys(index.between(1.2, 1.8)), ['p2', 'p5', 'p4', 'p0'])
      assert.deepEqual(keys(index.between(-Infinity, Infinity)), ['p1', 'p2', 'p5', 'p4', 'p0', 'p3'])
      assert.deepEqual([index.between(1.8, 1.2), index.between(1.21, 1.49)], [[], []])
      assert.deepEqual([index.first()?.key, index.first(1.3)?.key, index.first(3)], ['p1', 'p4', undefined])
      await map.put('p4', { x: 9 })
      await bench.settle()
      assert.deepEqual(keys(index.between(1.2, 1.8)), ['p2', 'p5', 'p0'])
      for (const bad of [NaN, '1'] as number[]) assert.throws(() => index.between(bad, 2), refusal('BAD_OPTION', 'bound of an index'))
    },
  },
  {
    name: 'an index never shows an expired entry',
    needs: ['exact-time'],
    async run(bench) {
      const map = (await bench.open()).map<Part>('parts', { ttlMs: 50 })
      const [owner, x] = [map.index({ by: () => 'all' }), map.index({ sortedBy: (part) => part.x })]
      await map.put('p1', { x: 1 })
      await bench.pass(30)
      await map.put('p2', { x: 2 })
      await bench.pass(20)
      assert.deepEqual([keys(owner.equals('all')), keys(x.between(0, 9)), owner.size, x.size], [['p2'], ['p2'], 1, 1])
    },
  },
  {
    name: 'a key function that throws, or gives no key, is counted; the write and the other entries are well',
    async run(bench) {
      const grid = await bench.open()
      const map = grid.map<Part>('parts')
      const errors: string[] = []
      grid.use({ onListenerError: (_map, error) => void errors.push((error as Error).message) })
      const index = map.index({ sortedBy: (part, key) => (key === 'bad' ? broken() : part.x) })
      const wrong = map.index({ by: () => ({}) as string })
      await map.put('good', { x: 1 })
      await map.put('bad', { x: 2 })
      await bench.settle()
      assert.deepEqual([keys(index.between(0, 9)), index.leftOut, wrong.size, wrong.leftOut], [['good'], 1, 0, 2])
      assert.equal(map.peek('bad')?.value.x, 2)
      assert.equal(grid.guestErrors, 3)
      assert.ok(errors.includes('broken') && errors.some((text) => text.includes('the index key of "good" is {}')), errors.join())
      await map.remove('bad')
      await bench.settle()
      assert.equal(index.leftOut, 0)
    },
  },
  {
    name: 'a closed index is empty and costs nothing more; bad options are refused',
    async run(bench) {
      const grid = await bench.open()
      const map = grid.map<Part>('parts')
      const [ends, sorted] = [map.index({ by: () => 1 }), map.index({ sortedBy: () => 1 })]
      let asked = 0
      const index = map.index({ by: () => `${asked++}` })
      await map.put('p1', { x: 1 })
      await bench.settle()
      index.close()
      await map.put('p1', { x: 2 })
      await bench.settle()
      assert.deepEqual([asked, index.size], [1, 0])
      const bad =
        (options: unknown): (() => unknown) =>
        () =>
          map.index(options as never)
      assert.throws(bad({}), refusal('BAD_OPTION', 'either { by } or { sortedBy }'))
      assert.throws(bad({ by: 'owner' }), refusal('BAD_OPTION', 'by is "owner"'))
      assert.throws(bad({ on: 1 }), refusal('BAD_OPTION', 'index has no option "on"'))
      await grid.close()
      for (const call of [
        () => ends.equals(1),
        () => ends.keys(),
        () => sorted.between(0, 1),
        () => sorted.first(),
        bad({ by: () => 1 }),
      ]) {
        assert.throws(call, refusal('CLOSED'))
      }
    },
  },
]

function broken(): never {
  throw new Error('broken')
}
