import assert from 'node:assert/strict'
import type { GridMap } from '../grid.ts'
import { refusal, type GridBench, type GridCase } from './case.ts'

type Operation = (map: GridMap<number>, key: string, signal: AbortSignal) => Promise<unknown>

// Every method that waits, so that what is promised of all of them is asked of all of them.
const operations: Readonly<Record<string, Operation>> = {
  get: (map, key, signal) => map.get(key, { signal }),
  put: (map, key, signal) => map.put(key, 1, { signal }),
  putAll: (map, key, signal) => map.putAll([[key, 1]], { signal }),
  remove: (map, key, signal) => map.remove(key, { signal }),
  removeIf: (map, key, signal) => map.removeIf(key, 1, { signal }),
  compareAndSet: (map, key, signal) => map.compareAndSet(key, 0, 1, { signal }),
  update: (map, key, signal) => map.update(key, () => 1, { signal }),
}

const never = new AbortController().signal

async function openMap(bench: GridBench): Promise<GridMap<number>> {
  return (await bench.open()).map<number>('m')
}

/** What every method refuses alike. */
/** As an error quotes it. */
function asQuoted(key: unknown): string {
  return typeof key === 'string' || typeof key === 'object' ? JSON.stringify(key) : String(key)
}

export const refusalCases: readonly GridCase[] = [
  {
    name: 'every method refuses a bad key, quoting it',
    async run(bench) {
      const map = await openMap(bench)
      for (const key of ['', 7, undefined, { a: 1 }, 'half\ud800', '\udc00half'] as unknown as string[]) {
        for (const [name, operate] of Object.entries(operations)) {
          await assert.rejects(operate(map, key, never), refusal('BAD_KEY', asQuoted(key)), name)
        }
        assert.throws(() => map.peek(key), refusal('BAD_KEY'))
        assert.throws(() => map.sourceAgeMs(key), refusal('BAD_KEY'))
      }
      assert.equal(map.size, 0)
    },
  },
  {
    name: 'what is no list of pairs, no function, no signal and no trace is refused, and nothing is written',
    async run(bench) {
      const map = await openMap(bench)
      const wrong = <T>(value: unknown): T => value as T
      const refused: readonly (readonly [string, () => Promise<unknown>])[] = [
        ['an object', () => map.putAll(wrong({ a: 1 }))],
        ['5', () => map.putAll(wrong(5))],
        ['undefined', () => map.putAll(wrong(undefined))],
        ['"ab"', () => map.putAll(wrong('ab'))],
        ['null', () => map.putAll(wrong([null]))],
        ['5', () => map.update('k', wrong(5))],
        ['5', () => map.put('k', 1, wrong({ signal: 5 }))],
        ['"x"', () => map.get('k', wrong({ signal: 'x' }))],
        ['"x"', () => map.put('k', 1, wrong({ trace: 'x' }))],
        ['null', () => map.put('k', 1, wrong({ source: null }))],
        ['sek', () => map.put('k', 1, wrong({ source: { epoch: 1, seq: 1, sek: 1 } }))],
      ]
      for (const [quoted, call] of refused) {
        const text = quoted === 'an object' ? '{"a":1}' : quoted
        await assert.rejects(call, refusal('BAD_OPTION', text), text)
      }
      assert.equal(map.size, 0)
    },
  },
  {
    name: 'an aborted signal stops every method before it writes',
    async run(bench) {
      const map = await openMap(bench)
      const reason = new Error('no longer wanted')
      for (const [name, operate] of Object.entries(operations)) {
        await assert.rejects(operate(map, 'k', AbortSignal.abort(reason)), (error) => error === reason, name)
      }
      assert.equal(map.size, 0)
    },
  },
  {
    name: 'a closed grid refuses everything, and closing again is no error',
    async run(bench) {
      const grid = await bench.open()
      const map = grid.map<number>('m')
      await map.put('k', 1)
      await Promise.all([grid.close(), grid.close()])
      for (const [name, operate] of Object.entries(operations)) await assert.rejects(operate(map, 'k', never), refusal('CLOSED'), name)
      await assert.rejects(map.clear(), refusal('CLOSED'))
      await assert.rejects(map.putAll([]), refusal('CLOSED'))
      const direct: readonly (() => unknown)[] = [
        () => map.peek('k'),
        () => map.size,
        () => map.entries(),
        () => map.watch(() => {}),
        () => map.ageMs(),
        () => map.sourceAgeMs('k'),
        () => grid.map('m'),
        () => grid.use({}),
      ]
      for (const call of direct) assert.throws(call, refusal('CLOSED'))
    },
  },
  {
    name: 'closing one grid leaves the memory to the others',
    async run(bench) {
      const [a, b] = [await bench.open(), await bench.open()]
      await a.map<number>('m').put('k', 1)
      await a.close()
      await bench.settle()
      const map = b.map<number>('m')
      assert.equal((await map.get('k'))?.value, 1, 'also before the copy was loaded')
      assert.equal((await map.get('k', { consistency: 'strong' }))?.value, 1)
      await map.put('k', 2)
      assert.equal(map.peek('k')?.value, 2)
    },
  },
  {
    name: 'bad options are refused, quoting them',
    async run(bench) {
      const grid = await bench.open()
      const map = grid.map<number>('m')
      const bad = (value: unknown): never => value as never
      const refused: readonly (readonly [text: string, call: () => unknown])[] = [
        ['name of a map is ""', () => grid.map('')],
        ['name of a map is 7', () => grid.map(bad(7))],
        ['ttlMs is 0', () => grid.map('n', { ttlMs: 0 })],
        ['ttlMs is -1', () => grid.map('n', { ttlMs: -1 })],
        ['ttlMs is "500"', () => grid.map('n', { ttlMs: bad('500') })],
        ['schemaVersion is 1.5', () => grid.map('n', { schemaVersion: 1.5 })],
        ['upgrade is "up"', () => grid.map('n', { upgrade: bad('up') })],
        ['map has no option "ttl"', () => grid.map('n', bad({ ttl: 500 }))],
        ['capacity is 0', () => map.watch(() => {}, { capacity: 0 })],
        ['watch has no option "filter"', () => map.watch(() => {}, bad({ filter: 1 }))],
        ['listener is undefined', () => map.watch(bad(undefined))],
        ['ttlMs is NaN', () => map.put('k', 1, { ttlMs: NaN })],
        ['source is {"epoch":1}', () => map.put('k', 1, { source: bad({ epoch: 1 }) })],
        ['expectedVersion is -1', () => map.compareAndSet('k', -1, 1)],
        ['expectedVersion is undefined', () => map.removeIf('k', bad(undefined))],
        ['consistency is "quorum"', () => map.get('k', { consistency: bad('quorum') })],
        ['maxAgeMs is -5', () => map.get('k', { maxAgeMs: -5 })],
      ]
      for (const [text, call] of refused) await assert.rejects(async () => call(), refusal('BAD_OPTION', text), text)
      assert.deepEqual([map.size, grid.mapNames], [0, ['m']])
    },
  },
  {
    name: 'a map is the same object each time, and not with other options',
    async run(bench) {
      const grid = await bench.open()
      const map = grid.map<number>('m', { ttlMs: 500 })
      assert.equal(grid.map('m'), map)
      assert.equal(grid.map('m', { ttlMs: 500 }), map)
      assert.throws(() => grid.map('m', { ttlMs: 501 }), refusal('MAP_REOPENED', 'ttlMs 500, not 501'))
      assert.throws(() => grid.map('m', {}), refusal('MAP_REOPENED', 'ttlMs'))
      assert.throws(() => grid.map('m', { ttlMs: 500, schemaVersion: 2 }), refusal('MAP_REOPENED', 'schemaVersion'))
      assert.notEqual(grid.map('n'), map)
      assert.deepEqual(grid.mapNames, ['m', 'n'])
    },
  },
]
