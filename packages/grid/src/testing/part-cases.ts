import assert from 'node:assert/strict'
import { lines, record, refusal, type GridCase } from './case.ts'

/** A process that holds only part of a map: by prefix, by predicate, or a bounded number of what it read. */
export const partCases: readonly GridCase[] = [
  {
    name: 'interest by prefix holds and tells these keys alone; the others are read from the owner',
    async run(bench) {
      const [a, b] = [await bench.open(), await bench.open()]
      const all = a.map<number>('m')
      await all.putAll([['eu.1', 1], ['us.1', 2]]) // prettier-ignore
      const map = b.map<number>('m', { interest: { prefix: 'eu.' } })
      await bench.settle()
      const told = record(map)
      await all.put('eu.2', 3)
      await all.put('us.2', 4)
      await map.put('us.3', 5)
      await all.remove('us.1')
      await bench.settle()
      assert.deepEqual(lines(told), ['put eu.2=3'])
      assert.deepEqual([map.size, map.peek('us.2'), map.peek('us.3')], [2, undefined, undefined])
      for (const consistency of ['eventual', 'session', 'strong'] as const) {
        assert.equal((await map.get('us.3', { consistency }))?.value, 5, 'its own write too')
        assert.equal(await map.get('us.1', { consistency }), undefined)
      }
      assert.equal((await map.update('us.2', (n) => (n === undefined ? 99 : n + 1)))?.value, 5, 'the owner was asked first')
      assert.equal((await map.update('us.2', () => undefined))?.value, 5)
      const source = { epoch: 1, seq: 1 }
      await assert.rejects(map.put('us.4', 1, { source }), refusal('UNSUPPORTED', 'nothing is known here of its source'))
      assert.throws(() => map.sourceAgeMs('us.4'), refusal('UNSUPPORTED'))
      await map.put('eu.4', 1, { source })
      assert.ok(map.sourceAgeMs('eu.4') < Infinity)
    },
  },
  {
    name: 'interest by predicate: what leaves it is told as a remove that says so',
    async run(bench) {
      const [a, b] = [await bench.open(), await bench.open()]
      const all = a.map<number>('m')
      const map = b.map<number>('m', { interest: { where: ({ value }) => value >= 10 } })
      await bench.settle()
      const told = record(map)
      const index = map.index({ sortedBy: (n) => n })
      for (const value of [5, 12, 13, 7, 8, 20]) await all.put('k', value)
      await bench.settle()
      assert.deepEqual(lines(told), ['put k=12', 'put k=13', 'remove k', 'put k=20'])
      assert.deepEqual(told.map((change) => change.type === 'remove' && change.left), [false, false, true, false]) // prettier-ignore
      assert.equal(index.size, 1)
      await all.put('k', 1)
      await bench.settle()
      assert.deepEqual([map.peek('k'), map.size, index.size], [undefined, 0, 0])
      assert.equal((await map.get('k'))?.value, 1, 'a miss is no absence here')
      await map.remove('k')
      assert.equal(await map.get('k'), undefined)
    },
  },
  {
    name: 'a predicate that throws holds the entry, and is counted',
    async run(bench) {
      const grid = await bench.open()
      const where = (): boolean => {
        throw new Error('broken')
      }
      const map = grid.map<number>('m', { interest: { where } })
      await map.put('k', 1)
      await bench.settle()
      assert.deepEqual([map.peek('k')?.value, grid.guestErrors], [1, 1])
    },
  },
  {
    name: 'a bounded copy holds what was read or written here, keeps it current, and reads the rest from the owner',
    async run(bench) {
      const [a, b] = [await bench.open(), await bench.open()]
      const all = a.map<number>('m')
      await all.putAll(['a', 'b', 'c', 'd'].map((key, at) => [key, at]))
      const map = b.map<number>('m', { maxEntries: 2 })
      await bench.settle()
      assert.deepEqual([map.size, map.peek('a')], [0, undefined])
      for (const key of ['a', 'b']) await map.get(key)
      assert.deepEqual([map.peek('a')?.value, map.peek('b')?.value, map.size], [0, 1, 2])
      await all.put('a', 10)
      await all.put('c', 12)
      await all.remove('b')
      await bench.settle()
      assert.deepEqual([map.peek('a')?.value, map.peek('b'), map.peek('c'), map.size], [10, undefined, undefined, 1])
      await map.put('e', 14)
      assert.equal(map.peek('e')?.value, 14, 'what is written here is held')
      for (const key of ['c', 'd', 'a', 'c']) await map.get(key)
      assert.equal(map.size, 2)
      assert.equal((await map.get('c', { consistency: 'session' }))?.value, 12)
      assert.equal((await map.update('d', (n = 0) => n + 1))?.value, 4)
      assert.ok((b.stats().maps[0]?.evictions ?? 0) >= 2)
    },
  },
  {
    name: 'a bounded copy refuses what it cannot promise',
    async run(bench) {
      const map = (await bench.open()).map<number>('m', { maxEntries: 2 })
      const said = refusal('UNSUPPORTED', 'holds only what was read lately')
      assert.throws(() => map.watch(() => {}), said)
      assert.throws(() => map.index({ by: () => 1 }), said)
      assert.throws(() => map.sourceAgeMs('k'), refusal('UNSUPPORTED', 'nothing is known here of its source'))
      assert.throws(() => map.onAge({ maxAgeMs: 1, source: 'k' }, () => {}), refusal('UNSUPPORTED'))
      await assert.rejects(map.put('k', 1, { source: { epoch: 1, seq: 1 } }), refusal('UNSUPPORTED'))
      assert.equal((await map.put('k', 1)).value, 1)
    },
  },
  {
    name: 'options of a part are checked',
    async run(bench) {
      const grid = await bench.open()
      const open = (options: unknown) => () => grid.map<number>('n', options as never) // prettier-ignore
      assert.throws(open({ maxEntries: 0 }), refusal('BAD_OPTION', 'maxEntries is 0'))
      assert.throws(open({ interest: {} }), refusal('BAD_OPTION', 'either { prefix } or { where }'))
      assert.throws(open({ interest: { prefix: '' } }), refusal('BAD_OPTION', 'prefix is ""'))
      assert.throws(open({ interest: { where: 1 } }), refusal('BAD_OPTION', 'where is 1'))
      assert.throws(open({ interest: { prefix: 'a' }, maxEntries: 1 }), refusal('BAD_OPTION', 'give one'))
      grid.map('m', { interest: { prefix: 'a' } })
      grid.map('m', { interest: { prefix: 'a' } })
      assert.throws(() => grid.map('m', { interest: { prefix: 'b' } }), refusal('MAP_REOPENED', 'interestPrefix "a", not "b"'))
    },
  },
]
