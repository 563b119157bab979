import assert from 'node:assert/strict'
import type { GridMap } from '../grid.ts'
import { lines, record, refusal, type GridCase } from './case.ts'

const NONE = { interest: 'none' } as const

/** A process that holds nothing of a map: it writes, and others see it; what it reads, the owner says. */
export const unheldCases: readonly GridCase[] = [
  {
    name: 'interest none: writes of every kind are told to those who hold the map, in the order of their commits',
    async run(bench) {
      const [a, b] = [await bench.open(), await bench.open()]
      const all = b.map<number>('m')
      await bench.settle()
      const told = record(all)
      const map = a.map<number>('m', NONE)
      const first = await map.put('k', 1)
      const second = await map.put('k', 2)
      assert.ok(second.version > first.version)
      assert.deepEqual((await map.compareAndSet('k', first.version, 9)).ok, false)
      const swapped = await map.compareAndSet('k', second.version, 3)
      assert.ok(swapped.ok)
      assert.equal((await map.update('k', (n = 0) => n + 1))?.value, 4)
      assert.equal(await map.removeIf('k', swapped.entry.version), false)
      assert.equal(await map.remove('k'), true)
      assert.equal(await map.remove('k'), false)
      await map.putAll([['k', 5]])
      await bench.settle()
      assert.deepEqual(lines(told), ['put k=1', 'put k=2', 'put k=3', 'put k=4', 'remove k', 'put k=5'])
      await map.clear()
      await bench.settle()
      assert.equal(all.size, 0)
    },
  },
  {
    name: "interest none: reads are the owner's, own writes and those of others, and do not step back",
    async run(bench) {
      const [a, b] = [await bench.open(), await bench.open()]
      const [map, other] = [a.map<number>('m', NONE), b.map<number>('m')]
      assert.equal(await map.get('k'), undefined)
      for (const consistency of ['eventual', 'session', 'strong'] as const) {
        const { version } = await map.put('k', 1)
        const own = await map.get('k', { consistency })
        assert.deepEqual([own?.value, own?.version], [1, version], 'its own write')
        await other.put('k', 2)
        const theirs = await map.get('k', { consistency, maxAgeMs: 0 })
        assert.equal(theirs?.value, 2)
        assert.ok(theirs.version > version)
        await other.remove('k')
        assert.equal(await map.get('k', { consistency }), undefined)
      }
      assert.equal((await map.update('new', (n = 6) => n + 1))?.value, 7)
      await bench.settle()
      assert.equal(other.peek('new')?.value, 7)
    },
  },
  {
    name: 'interest none: what would need a copy is refused, and the error says what to do instead',
    async run(bench) {
      const grid = await bench.open()
      const map = grid.map<number>('m', NONE)
      await map.put('k', 1)
      await map.caughtUp()
      const attempts: Readonly<Record<string, () => unknown>> = {
        peek: () => map.peek('k'),
        'peek again': () => map.peek('k'),
        size: () => map.size,
        entries: () => map.entries(),
        watch: () => map.watch(() => {}),
        index: () => map.index({ by: (n) => n }),
        'replica age': () => map.ageMs(),
        'source ages': () => map.sourceAgeMs('k'),
        ages: () => map.onAge({ maxAgeMs: 10 }, () => {}),
      }
      for (const [what, attempt] of Object.entries(attempts)) {
        const word = what.replace(' again', '')
        assert.throws(
          attempt,
          refusal('UNSUPPORTED', `map "m" is open with interest 'none', so nothing is held here and there is no ${word}: read it with get`),
        )
      }
      await assert.rejects(map.put('k', 1, { source: { epoch: 1, seq: 1 } }), refusal('UNSUPPORTED', 'nothing is known here of its source'))
      const stats = grid.stats().maps.find(({ name }) => name === 'm')
      assert.deepEqual([stats?.reads, stats?.hotKeys], [0, []])
      const open = (options: unknown) => (): GridMap<number> => grid.map<number>('n', options as never)
      assert.throws(open({ interest: 'all' }), refusal('BAD_OPTION', `interest is "all": give { prefix }, { where } or 'none'`))
      assert.throws(open({ ...NONE, maxEntries: 4 }), refusal('BAD_OPTION', 'give one'))
      assert.throws(open({ ...NONE, merge: 'last-writer-wins' }), refusal('BAD_OPTION', 'merge needs to hear of removes'))
      assert.throws(() => grid.map('m', {}), refusal('MAP_REOPENED', 'holdsNothing true, not false'))
    },
  },
  {
    name: 'interest none: a time to live is kept, for those who hold the map and for its own reads',
    needs: ['exact-time'],
    async run(bench) {
      const [a, b] = [await bench.open(), await bench.open()]
      const [map, other] = [a.map<number>('m', { ...NONE, ttlMs: 500 }), b.map<number>('m', { ttlMs: 500 })]
      await bench.settle()
      await map.put('k', 1)
      await map.update('swapped', () => 2)
      await other.put('theirs', 3)
      await bench.pass(499)
      const read = async (): Promise<unknown[]> => Promise.all(['k', 'swapped', 'theirs'].map(async (key) => (await map.get(key))?.value))
      assert.deepEqual([await read(), other.size], [[1, 2, 3], 3])
      await bench.pass(1)
      assert.deepEqual([await read(), other.size], [[undefined, undefined, undefined], 0])
    },
  },
  {
    name: 'interest none: puts of a key that meet in one tick are one commit where that is asked for',
    async run(bench) {
      const [a, b] = [await bench.open(), await bench.open()]
      const other = b.map<number>('m')
      await bench.settle()
      const told = record(other)
      const map = a.map<number>('m', { ...NONE, coalesceWrites: true })
      const entries = await Promise.all([1, 2, 3].map((n) => map.put('k', n)))
      assert.deepEqual(entries.map(({ value }) => value), [3, 3, 3]) // prettier-ignore
      await bench.settle()
      assert.deepEqual(lines(told), ['put k=3'])
      assert.equal(a.stats().maps[0]?.coalescedWrites, 2)
    },
  },
]
