import assert from 'node:assert/strict'
import type { Change } from '../map/entry.ts'
import { lines, linesByKey, record, type GridCase } from './case.ts'

/** Every committed change in order, or a resync (I5). */
export const watchCases: readonly GridCase[] = [
  {
    name: 'every watcher of every grid is told every change of a key in order',
    async run(bench) {
      const [a, b] = [await bench.open(), await bench.open()]
      const [map, other] = [a.map<number>('m'), b.map<number>('m')]
      await bench.settle()
      const all = [record(map), record(map), record(other)]
      const expected: string[] = []
      for (let n = 0; n < 50; n++) {
        await (n % 2 === 0 ? map : other).put('k', n)
        expected.push(`put k=${n}`)
        if (n % 10 === 9 && (await map.remove('k'))) expected.push('remove k')
      }
      await bench.settle()
      for (const told of all) assert.deepEqual(lines(told), expected)
    },
  },
  {
    name: 'a change carries the entry and the one before',
    async run(bench) {
      const map = (await bench.open()).map<number>('m')
      const told = record(map)
      const first = await map.put('k', 1)
      const second = await map.put('k', 2)
      await map.remove('k')
      await bench.settle()
      assert.deepEqual(told.slice(0, 2), [
        { type: 'put', key: 'k', entry: first, previous: undefined },
        { type: 'put', key: 'k', entry: second, previous: first },
      ])
      const removed = told[2]
      assert.ok(removed?.type === 'remove' && removed.version > second.version)
      assert.deepEqual([removed.key, removed.previous, removed.trace], ['k', second, undefined])
      assert.ok(told.every((change) => Object.isFrozen(change)))
    },
  },
  {
    name: "the listener never runs on the writer's stack, and has run when the write is done",
    needs: ['linearizable'],
    async run(bench) {
      const map = (await bench.open()).map<number>('m')
      const told = record(map)
      const written = map.put('k', 1)
      assert.deepEqual(lines(told), [])
      await written
      assert.deepEqual(lines(told), ['put k=1'])
    },
  },
  {
    name: 'initial begins with the present entries',
    async run(bench) {
      const map = (await bench.open()).map<number>('m')
      await map.putAll([
        ['a', 1],
        ['b', 2],
      ])
      await bench.settle()
      const told = record(map, { initial: true })
      const late = record(map)
      assert.deepEqual(lines(told), [], 'not inside the call')
      await map.put('a', 3)
      await bench.settle()
      assert.deepEqual(linesByKey(told), ['put a=1', 'put a=3', 'put b=2'])
      assert.deepEqual(lines(late), ['put a=3'])
    },
  },
  {
    name: 'where tells what satisfies it, and what stops satisfying it',
    async run(bench) {
      const map = (await bench.open()).map<number>('m')
      await map.putAll([
        ['x', 5],
        ['y', 20],
      ])
      await bench.settle()
      const told = record(map, { where: ({ value }) => value >= 10, initial: true })
      for (const value of [1, 10, 11, 2, 3]) await map.put('k', value)
      await map.remove('k')
      await map.put('k', 12)
      await map.remove('k')
      await bench.settle()
      assert.deepEqual(lines(told), ['put y=20', 'put k=10', 'put k=11', 'put k=2', 'put k=12', 'remove k'])
    },
  },
  {
    name: 'coalesce keeps the newest undelivered change of a key, at its place',
    needs: ['linearizable'],
    async run(bench) {
      const map = (await bench.open()).map<number>('m')
      const [told, all] = [record(map, { coalesce: true }), record(map)]
      const writes = [map.put('a', 1), map.put('b', 1), map.put('a', 2), map.put('c', 1), map.remove('c')]
      await Promise.all(writes)
      await map.put('b', 2)
      assert.deepEqual(lines(told), ['put b=1', 'put a=2', 'remove c', 'put b=2'])
      assert.equal(all.length, 6)
    },
  },
  {
    name: 'a full queue is dropped for one resync with the present state, and then goes on',
    needs: ['linearizable'],
    async run(bench) {
      const map = (await bench.open()).map<number>('m')
      const small = record(map, { capacity: 3 })
      const fits = record(map, { capacity: 3, coalesce: true })
      const even = record(map, { capacity: 1, where: ({ value }) => value % 2 === 0 })
      const all = record(map)
      const values = Array.from({ length: 10 }, (_, n) => [`k${n % 3}`, n] as const)
      await Promise.all(values.map(([key, n]) => map.put(key, n)))
      await map.put('k0', 10)
      assert.deepEqual(lines(small), ['resync overflow k0=9 k1=7 k2=8', 'put k0=10'])
      assert.deepEqual(lines(fits), ['put k1=7', 'put k2=8', 'put k0=9', 'put k0=10'])
      assert.deepEqual(lines(even), ['resync overflow k2=8', 'put k0=10'])
      assert.equal(all.length, 11)
    },
  },
  {
    name: 'more present entries than the capacity begin with a resync',
    async run(bench) {
      const map = (await bench.open()).map<number>('m')
      await map.putAll([
        ['a', 1],
        ['b', 2],
        ['c', 3],
      ])
      await bench.settle()
      const told = record(map, { initial: true, capacity: 2 })
      await bench.settle()
      assert.deepEqual(lines(told), ['resync overflow a=1 b=2 c=3'])
    },
  },
  {
    name: 'a watch of one key is told of that key alone: its changes, its present entry, its resync',
    async run(bench) {
      const map = (await bench.open()).map<number>('m')
      await map.put('a', 1)
      await map.put('b', 2)
      await bench.settle()
      const a = record(map, { key: 'a', initial: true })
      const large = record(map, { key: 'a', where: ({ value }) => value > 10 })
      const small = record(map, { key: 'a', capacity: 2 })
      const absent = record(map, { key: 'x', initial: true })
      await bench.settle()
      const closed: Change<number>[] = []
      map.watch((change) => closed.push(change), { key: 'a' }).close()
      const writes = [11, 12, 13].flatMap((n) => [map.put('a', n), map.put('b', -n)])
      await Promise.all([...writes, map.put('c', 3)])
      await map.remove('b')
      await map.remove('a')
      await bench.settle()
      assert.deepEqual(lines(a), ['put a=1', 'put a=11', 'put a=12', 'put a=13', 'remove a'])
      assert.deepEqual(lines(large), ['put a=11', 'put a=12', 'put a=13', 'remove a'])
      assert.ok(small.every((change) => change.type === 'resync' || change.key === 'a'))
      assert.deepEqual([absent, closed], [[], []])
    },
  },
]
