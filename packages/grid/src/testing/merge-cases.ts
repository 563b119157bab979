import assert from 'node:assert/strict'
import { lines, record, refusal, type GridCase } from './case.ts'

interface Entity {
  readonly entityId: string
  readonly attributes: Readonly<Record<string, number | string>>
  readonly ts: number
}

/** Blind writes that meet, and writes that are coalesced. */
export const mergeCases: readonly GridCase[] = [
  {
    name: 'last writer wins: a write made after seeing another one stands, from either grid',
    async run(bench) {
      const maps = [await bench.open(), await bench.open()].map((grid) => grid.map<number>('m', { merge: 'last-writer-wins' }))
      for (let n = 0; n < 10; n++) {
        const entry = await maps[n % 2]?.put('k', n)
        assert.equal(entry?.value, n)
        await bench.settle()
        for (const map of maps) assert.equal(map.peek('k')?.value, n)
      }
      assert.equal(await maps[0]?.remove('k'), true)
      await bench.settle()
      assert.equal(await maps[1]?.remove('k'), false)
      assert.equal((await maps[1]?.put('k', 11))?.value, 11, 'made after the remove, so it stands')
    },
  },
  {
    name: 'last writer wins: of many at once, every grid ends with the same one',
    async run(bench) {
      const maps = [await bench.open(), await bench.open(), await bench.open()].map((grid) =>
        grid.map<string>('m', { merge: 'last-writer-wins' }),
      )
      const told = maps.map((map) => record(map))
      await Promise.all(maps.flatMap((map, at) => [1, 2, 3].map((n) => map.put('k', `${at}.${n}`))))
      await bench.settle()
      const [first] = maps
      for (const map of maps)
        assert.deepEqual([map.peek('k')?.value, map.peek('k')?.stamps], [first?.peek('k')?.value, first?.peek('k')?.stamps])
      for (const one of told) {
        const stamps = one.map((change) => (change.type === 'put' ? (change.entry.stamps?.at ?? 0) : 0))
        assert.deepEqual(
          stamps,
          stamps.toSorted((a, b) => a - b),
          'never back to an earlier one',
        )
      }
    },
  },
  {
    name: 'per attribute: each attribute is its last writer’s, and none is taken away',
    async run(bench) {
      const maps = [await bench.open(), await bench.open()].map((grid) => grid.map<Entity>('m', { merge: 'per-attribute' }))
      const [a, b] = maps
      await a?.put('r1', { entityId: 'r1', attributes: { x: 1, battery: 80 }, ts: 1 })
      await bench.settle()
      await Promise.all([
        a?.put('r1', { entityId: 'r1', attributes: { x: 2 }, ts: 2 }),
        b?.put('r1', { entityId: 'r1', attributes: { battery: 79, mode: 'pick' }, ts: 3 }),
      ])
      await bench.settle()
      for (const map of maps) assert.deepEqual(map.peek('r1')?.value.attributes, { x: 2, battery: 79, mode: 'pick' })
      assert.deepEqual(Object.keys(a?.peek('r1')?.stamps?.attributes ?? {}).toSorted(), ['battery', 'mode', 'x'])
      for (const map of maps) {
        const entry = map.peek('r1')
        assert.ok([entry?.value.attributes, entry?.stamps, entry?.stamps?.attributes].every((part) => Object.isFrozen(part)))
      }
      await assert.rejects(a?.put('r2', { x: 1 } as never) ?? Promise.resolve(), refusal('BAD_VALUE', '{ entityId, attributes, ts }'))
    },
  },
  {
    name: 'a merge function is given what is there and what comes; nothing is lost',
    async run(bench) {
      const merge = (current: number, incoming: number): number => current + incoming
      const maps = [await bench.open(), await bench.open()].map((grid) => grid.map<number>('m', { merge }))
      await Promise.all(maps.flatMap((map) => Array.from({ length: 20 }, () => map.put('sum', 1))))
      await maps[0]?.putAll([['sum', 5], ['other', 7]]) // prettier-ignore
      await bench.settle()
      for (const map of maps) assert.deepEqual([map.peek('sum')?.value, map.peek('other')?.value], [45, 7])
      assert.equal((await maps[0]?.compareAndSet('sum', maps[0].peek('sum')?.version ?? 0, 1))?.ok, true, 'no blind write: not merged')
      assert.equal(maps[0]?.peek('sum')?.value, 1)
      const broken = new Error('broken')
      const bad = (await bench.open()).map<number>('bad', { merge: () => { throw broken } }) // prettier-ignore
      await bad.put('k', 1)
      await assert.rejects(bad.put('k', 2), (error) => error === broken)
      assert.equal(bad.peek('k')?.value, 1)
    },
  },
  {
    name: 'coalesced puts of one tick become one commit, and each caller gets its entry',
    async run(bench) {
      const grid = await bench.open()
      const map = grid.map<number>('m', { coalesceWrites: true })
      const told = record(map)
      const puts = [map.put('hot', 1), map.put('cold', 1), map.put('hot', 2), map.put('hot', 3)]
      const [first, , second, third] = await Promise.all(puts)
      await bench.settle()
      assert.deepEqual(lines(told).toSorted(), ['put cold=1', 'put hot=3'])
      assert.equal(first, third)
      assert.equal(second, third)
      assert.deepEqual([map.peek('hot')?.value, map.peek('hot')?.version], [3, third?.version])
      assert.equal(grid.stats().maps[0]?.coalescedWrites, 2)
      await assert.rejects(Promise.all([map.put('hot', 4), map.put('hot', NaN)]), refusal('BAD_VALUE'))
      await bench.settle()
      assert.equal(map.peek('hot')?.value, 4, 'a bad value takes no good one with it')
    },
  },
  {
    name: 'coalesced puts keep their place among other writes, and no sign of life is lost',
    async run(bench) {
      const map = (await bench.open()).map<number>('m', { coalesceWrites: true })
      const told = record(map)
      const last = map.peek('k')?.version ?? 0
      const work = [map.put('k', 1), map.remove('k'), map.put('k', 2), map.update('k', (n = 0) => n + 1), map.compareAndSet('k', last, 9)]
      await Promise.all(work)
      await bench.settle()
      assert.deepEqual(lines(told).slice(0, 4), ['put k=1', 'remove k', 'put k=2', 'put k=3'])
      const stamped = map.put('r1', 1, { source: { epoch: 1, seq: 1 } })
      await Promise.all([stamped, map.put('r1', 2)])
      assert.ok(map.sourceAgeMs('r1') < Infinity)
      assert.equal(map.peek('r1')?.value, 2)
    },
  },
  {
    name: 'options of merging and of sizes are checked, and a large value is refused',
    async run(bench) {
      const grid = await bench.open()
      const open = (options: unknown) => () => grid.map<number>('n', options as never) // prettier-ignore
      assert.throws(open({ merge: 'newest' }), refusal('BAD_OPTION', 'merge is "newest"'))
      assert.throws(open({ tombstoneMs: 0 }), refusal('BAD_OPTION', 'tombstoneMs is 0'))
      assert.throws(open({ coalesceWrites: 1 }), refusal('BAD_OPTION', 'coalesceWrites is 1'))
      assert.throws(open({ coalesceWrites: true, merge: 'per-attribute' }), refusal('BAD_OPTION', 'leave one of them out'))
      assert.throws(open({ maxValueBytes: 0 }), refusal('BAD_OPTION', 'maxValueBytes is 0'))
      const map = grid.map<string>('m')
      const large = 'x'.repeat(2 ** 20)
      await assert.rejects(map.put('k', large), refusal('VALUE_TOO_LARGE', 'blobs'))
      await assert.rejects(map.putAll([['a', 'fits'], ['k', large]]), refusal('VALUE_TOO_LARGE', 'the value of "k" takes 1048581 bytes')) // prettier-ignore
      assert.equal(map.size, 0)
      const small = grid.map<string>('small', { maxValueBytes: 10 })
      await small.put('k', 'x'.repeat(9))
      await assert.rejects(small.compareAndSet('k', 0, 'x'.repeat(10)), refusal('VALUE_TOO_LARGE', 'maxValueBytes is 10'))
      const grown = grid.map<string>('grown', { maxValueBytes: 10, merge: (current, write) => `${current}${write}` })
      await grown.put('k', 'x'.repeat(6))
      await assert.rejects(grown.put('k', 'y'.repeat(6)), refusal('VALUE_TOO_LARGE', 'the merged value of "k"'))
      assert.equal(grown.peek('k')?.value, 'x'.repeat(6))
    },
  },
]
