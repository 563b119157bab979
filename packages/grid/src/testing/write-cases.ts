import assert from 'node:assert/strict'
import type { GridMap } from '../grid.ts'
import { lines, linesByKey, record, refusal, type GridCase } from './case.ts'

/** Put, remove, compare-and-set, update: what is committed, and that nothing else is. */
export const writeCases: readonly GridCase[] = [
  {
    name: 'a put is read by every kind of read',
    async run(bench) {
      const grid = await bench.open({ id: 'writer-1' })
      const map = grid.map<{ x: number }>('m')
      const entry = await map.put('k', { x: 1 })
      assert.deepEqual(entry.value, { x: 1 })
      assert.deepEqual([entry.key, entry.writer, entry.schemaVersion, entry.ttlMs], ['k', 'writer-1', 1, undefined])
      assert.deepEqual(map.peek('k'), entry)
      for (const consistency of ['eventual', 'session', 'strong'] as const) assert.deepEqual(await map.get('k', { consistency }), entry)
      assert.deepEqual([...map.entries()], [entry])
      assert.equal(map.size, 1)
      assert.equal(map.peek('other'), undefined)
      assert.equal(await map.get('other'), undefined)
    },
  },
  {
    name: 'another grid sees the same entry',
    async run(bench) {
      const [a, b] = [await bench.open(), await bench.open()]
      const early = b.map('m')
      const entry = await a.map('m').put('k', { x: 1 })
      await bench.settle()
      assert.deepEqual(early.peek('k'), entry)
      const late = (await bench.open()).map('m')
      await bench.settle()
      assert.deepEqual(late.peek('k'), entry)
    },
  },
  {
    name: 'a map and a key may have the name of what every object has',
    async run(bench) {
      const [a, b] = [await bench.open(), await bench.open()]
      const names = ['constructor', 'toString', '__proto__']
      const maps = names.map((name) => [a.map<string>(name), b.map<string>(name)] as const)
      await Promise.all(maps.flatMap(([map]) => names.map((key) => map.put(key, key))))
      await bench.settle()
      for (const [, map] of maps) {
        assert.deepEqual(Array.from(map.entries(), ({ value }) => value).toSorted(), names.toSorted())
        assert.ok(Number.isFinite(map.ageMs()), map.name)
      }
    },
  },
  {
    name: 'versions grow with every commit, also over a remove',
    async run(bench) {
      const map = (await bench.open()).map<number>('m')
      const first = await map.put('k', 1)
      const second = await map.put('k', 2)
      assert.ok(first.version > 0 && second.version > first.version)
      assert.equal(await map.remove('k'), true)
      const third = await map.put('k', 3)
      assert.ok(third.version > second.version + 1, 'the remove took a version')
    },
  },
  {
    name: 'remove tells whether there was an entry',
    async run(bench) {
      const map = (await bench.open()).map<number>('m')
      await map.put('k', 1)
      assert.equal(await map.remove('k'), true)
      assert.equal(map.peek('k'), undefined)
      assert.equal(await map.get('k', { consistency: 'strong' }), undefined)
      assert.equal(await map.remove('k'), false)
      assert.equal(map.size, 0)
    },
  },
  {
    name: 'putAll commits all, each key in order',
    async run(bench) {
      const map = (await bench.open()).map<number>('m')
      const told = record(map)
      await map.putAll(['a', 'b', 'a', 'c', 'a'].map((key, at) => [key, at]))
      await bench.settle()
      assert.deepEqual(linesByKey(told), ['put a=0', 'put a=2', 'put a=4', 'put b=1', 'put c=3'])
    },
  },
  {
    name: 'putAll commits all, in order',
    needs: ['total-order'],
    async run(bench) {
      const map = (await bench.open()).map<number>('m')
      const told = record(map)
      await map.putAll(
        new Map([
          ['a', 1],
          ['b', 2],
        ]),
      )
      await map.putAll([
        ['c', 3],
        ['a', 4],
      ])
      await bench.settle()
      assert.deepEqual(lines(told), ['put a=1', 'put b=2', 'put c=3', 'put a=4'])
    },
  },
  {
    name: 'putAll commits nothing if one value or key is bad',
    async run(bench) {
      const map = (await bench.open()).map<number>('m')
      const told = record(map)
      await assert.rejects(
        map.putAll([
          ['a', 1],
          ['b', NaN],
        ]),
        refusal('BAD_VALUE'),
      )
      await assert.rejects(
        map.putAll([
          ['a', 1],
          ['', 2],
        ]),
        refusal('BAD_KEY'),
      )
      await bench.settle()
      assert.deepEqual([map.size, told.length], [0, 0])
    },
  },
  {
    name: 'compareAndSet writes only over the expected version',
    async run(bench) {
      const map = (await bench.open()).map<number>('m')
      const created = await map.compareAndSet('k', 0, 1)
      assert.ok(created.ok)
      const again = await map.compareAndSet('k', 0, 2)
      assert.deepEqual(again, { ok: false, current: created.entry })
      const changed = await map.compareAndSet('k', created.entry.version, 3)
      assert.ok(changed.ok && changed.entry.version > created.entry.version)
      const late = await map.compareAndSet('k', created.entry.version, 4)
      assert.deepEqual(late, { ok: false, current: changed.entry })
      assert.equal(map.peek('k')?.value, 3)
      assert.deepEqual(await map.compareAndSet('absent', 7, 1), { ok: false, current: undefined })
    },
  },
  {
    name: 'removeIf removes only the expected version',
    async run(bench) {
      const map = (await bench.open()).map<number>('m')
      const { version } = await map.put('k', 1)
      assert.equal(await map.removeIf('k', version + 1), false)
      assert.equal(await map.removeIf('absent', version), false)
      assert.equal(await map.removeIf('absent', 0), false)
      assert.equal(map.peek('k')?.value, 1)
      assert.equal(await map.removeIf('k', version), true)
      assert.equal(map.peek('k'), undefined)
    },
  },
  {
    name: 'of many that compare and set at once, one wins',
    async run(bench) {
      const grids = [await bench.open(), await bench.open(), await bench.open()]
      const maps = grids.map((grid) => grid.map<string>('m'))
      for (let round = 0; round < 20; round++) {
        const results = await Promise.all(maps.flatMap((map, at) => [0, 1].map((n) => map.compareAndSet(`k${round}`, 0, `${at}.${n}`))))
        const winners = results.filter(({ ok }) => ok)
        assert.equal(winners.length, 1)
        await bench.settle()
        for (const map of maps) assert.equal(map.peek(`k${round}`)?.value, winners[0]?.ok === true ? winners[0].entry.value : undefined)
      }
    },
  },
  {
    name: 'update loses no other update',
    async run(bench) {
      const maps = [(await bench.open()).map<number>('m'), (await bench.open()).map<number>('m')]
      const add = async (map: GridMap<number>): Promise<void> => {
        for (let n = 0; n < 25; n++) await map.update('k', (value = 0) => value + 1)
      }
      await Promise.all([...maps, ...maps].map(add))
      const [map] = maps
      assert.equal((await map?.get('k', { consistency: 'strong' }))?.value, 100)
    },
  },
  {
    name: 'update runs again when another writer came between',
    async run(bench) {
      const map = (await bench.open()).map<number>('m')
      await map.put('k', 1)
      const seen: (number | undefined)[] = []
      const between: Promise<unknown>[] = []
      const entry = await map.update('k', (value = 0) => {
        seen.push(value)
        if (seen.length === 1) between.push(map.put('k', 10))
        return value + 1
      })
      await Promise.all(between)
      assert.deepEqual(seen, [1, 10])
      assert.equal(entry?.value, 11)
    },
  },
  {
    name: 'update can leave the entry as it is, and writes nothing when its function fails',
    async run(bench) {
      const map = (await bench.open()).map<number>('m')
      assert.equal(await map.update('k', () => undefined), undefined)
      const entry = await map.put('k', 1)
      assert.deepEqual(await map.update('k', () => undefined), entry)
      const broken = new Error('broken')
      await assert.rejects(map.update('k', () => { throw broken }), (error) => error === broken) // prettier-ignore
      const later = (async () => { throw broken }) as unknown as () => number // prettier-ignore
      await assert.rejects(map.update('k', later), refusal('BAD_VALUE', 'promise'))
      assert.deepEqual(map.peek('k'), entry)
    },
  },
  {
    name: 'clear removes every entry, and tells each',
    async run(bench) {
      const [a, b] = [await bench.open(), await bench.open()]
      const told = record(b.map<number>('m'))
      await bench.settle()
      const map = a.map<number>('m')
      await map.putAll([
        ['x', 1],
        ['y', 2],
      ])
      await map.clear()
      await map.clear()
      await bench.settle()
      assert.deepEqual(linesByKey(told), ['put x=1', 'remove x', 'put y=2', 'remove y'])
      assert.deepEqual([map.size, b.map('m').size], [0, 0])
    },
  },
  {
    name: 'every write has begun, and is linearizable, inside its call',
    needs: ['linearizable', 'in-call'],
    async run(bench) {
      const [a, b] = [await bench.open(), await bench.open()]
      const [map, other] = [a.map<number>('m'), b.map<number>('m')]
      const writes = [map.put('k', 1), map.update('k', (n = 0) => n + 1), other.putAll([['l', 3]]), other.remove('l')]
      assert.equal(map.peek('k')?.value, 2)
      assert.equal(other.peek('k')?.value, 2)
      assert.equal(map.peek('l'), undefined)
      const cleared = map.clear()
      assert.equal(other.size, 0)
      await Promise.all([...writes, cleared])
    },
  },
]
