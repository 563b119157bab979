import assert from 'node:assert/strict'
import { lines, record, type GridCase } from './case.ts'

/** Time to live, to the millisecond. */
export const ttlCases: readonly GridCase[] = [
  {
    name: '500 ms are 500 ms, for an entry nobody reads, in every grid',
    needs: ['exact-time'],
    async run(bench) {
      const [a, b] = [await bench.open(), await bench.open()]
      const [map, other] = [a.map<number>('m', { ttlMs: 500 }), b.map<number>('m', { ttlMs: 500 })]
      const ended: number[] = []
      for (const one of [map, other]) one.watch(({ type }) => type === 'expire' && ended.push(bench.clock.now()))
      await bench.pass(100)
      const { version } = await map.put('k', 1)
      await bench.pass(499.5)
      assert.deepEqual(ended, [])
      await bench.pass(10)
      assert.deepEqual(ended, [600, 600])
      assert.ok(version > 0)
    },
  },
  {
    name: 'an entry is read until its time, and not at it',
    needs: ['exact-time'],
    async run(bench) {
      const map = (await bench.open()).map<number>('m', { ttlMs: 500 })
      const told = record(map)
      const entry = await map.put('k', 1)
      await bench.pass(499)
      assert.deepEqual(map.peek('k'), entry)
      await bench.pass(1)
      assert.equal(map.peek('k'), undefined)
      assert.equal(await map.get('k', { consistency: 'strong' }), undefined)
      assert.deepEqual([map.size, [...map.entries()].length], [0, 0])
      assert.deepEqual(lines(told), ['put k=1', 'expire k'])
      assert.deepEqual(told[1], { type: 'expire', key: 'k', version: entry.version, previous: entry })
    },
  },
  {
    name: "a write's own time to live goes before the map's, and each write begins anew",
    needs: ['exact-time'],
    async run(bench) {
      const map = (await bench.open()).map<number>('m', { ttlMs: 500 })
      await map.put('short', 1, { ttlMs: 100 })
      await map.put('long', 1, { ttlMs: 1000 })
      await map.put('again', 1)
      await bench.pass(400)
      assert.deepEqual([map.peek('short'), map.peek('long')?.ttlMs, map.peek('again')?.ttlMs], [undefined, 1000, 500])
      await map.put('again', 2)
      await bench.pass(499)
      assert.equal(map.peek('again')?.value, 2)
      await bench.pass(1)
      assert.deepEqual([map.peek('again'), map.peek('long')?.value], [undefined, 1])
    },
  },
  {
    name: 'every kind of write has the time to live of the map',
    needs: ['exact-time'],
    async run(bench) {
      const map = (await bench.open()).map<number>('m', { ttlMs: 500 })
      const told = record(map)
      await map.putAll([['all', 1]])
      await map.compareAndSet('cas', 0, 1)
      await map.update('update', () => 1)
      const { version } = await map.put('swapped', 1)
      await bench.pass(400)
      const swapped = await map.compareAndSet('swapped', version, 2)
      assert.ok(swapped.ok && swapped.entry.ttlMs === 500)
      await bench.pass(100)
      assert.deepEqual(lines(told.filter(({ type }) => type === 'expire')), ['expire all', 'expire cas', 'expire update'])
      await bench.pass(399)
      assert.equal(map.peek('swapped')?.value, 2)
      await bench.pass(1)
      assert.equal(map.size, 0)
    },
  },
  {
    name: 'an expired entry is absent for writes too, and its version does not come back',
    needs: ['exact-time'],
    async run(bench) {
      const map = (await bench.open()).map<number>('m', { ttlMs: 500 })
      const { version } = await map.put('k', 1)
      await bench.pass(500)
      assert.deepEqual(await map.compareAndSet('k', version, 2), { ok: false, current: undefined })
      assert.equal(await map.remove('k'), false)
      assert.equal(await map.removeIf('k', version), false)
      const created = await map.compareAndSet('k', 0, 3)
      assert.ok(created.ok && created.entry.version > version)
    },
  },
  {
    name: 'an entry without time to live stays, also in a map where others end',
    needs: ['exact-time'],
    async run(bench) {
      const map = (await bench.open()).map<number>('m')
      await map.put('stays', 1)
      await map.put('ends', 1, { ttlMs: 10 })
      await map.put('renewed', 1, { ttlMs: 10 })
      await map.put('renewed', 2)
      await bench.pass(3_600_000)
      assert.deepEqual(
        Array.from(map.entries(), ({ key }) => key),
        ['stays', 'renewed'],
      )
    },
  },
  {
    name: 'entries end in the order of their times, then of their commits',
    needs: ['exact-time'],
    async run(bench) {
      const map = (await bench.open()).map<number>('m')
      const told = record(map)
      for (const [key, ttlMs] of [
        ['a', 30],
        ['b', 10],
        ['c', 20],
        ['d', 10],
      ] as const)
        await map.put(key, 1, { ttlMs })
      await bench.pass(30)
      assert.deepEqual(lines(told.slice(4)), ['expire b', 'expire d', 'expire c', 'expire a'])
    },
  },
]
