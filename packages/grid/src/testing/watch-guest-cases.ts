import assert from 'node:assert/strict'
import type { Change } from '../map/entry.ts'
import { line, lines, record, type GridCase } from './case.ts'

/** What listeners and hooks may do: throw, write, close their own watch. None of it is another's trouble (I5, I7). */
export const watchGuestCases: readonly GridCase[] = [
  {
    name: 'a listener or a where that throws is counted and told to the hooks, and delivery goes on',
    async run(bench) {
      const grid = await bench.open()
      const map = grid.map<number>('m')
      const errors: unknown[] = []
      const stop = grid.use({ onListenerError: (name, error) => errors.push(`${name}: ${(error as Error).message}`) })
      const told: string[] = []
      const fail = (why: string): never => {
        throw new Error(why)
      }
      map.watch((change) => (told.push(line(change)), fail('listener')))
      map.watch(async () => fail('async listener'))
      const where = record(map, { where: () => fail('where') })
      const healthy = record(map)
      await map.put('k', 1)
      await bench.settle()
      assert.deepEqual(errors.toSorted(), ['m: async listener', 'm: listener', 'm: where'])
      assert.equal(grid.guestErrors, 3)
      stop()
      await map.put('k', 2)
      await bench.settle()
      assert.deepEqual(told, ['put k=1', 'put k=2'])
      assert.deepEqual(lines(healthy), told)
      assert.deepEqual(lines(where), told, 'told, as nothing is known of it')
      assert.equal(errors.length, 3)
    },
  },
  {
    name: 'a listener that writes gets its own change later, in one order for all',
    async run(bench) {
      const map = (await bench.open()).map<number>('m')
      const inside: string[] = []
      const writes: Promise<unknown>[] = []
      let depth = 0
      const first: Change<number>[] = []
      map.watch((change) => {
        inside.push(`${depth}`)
        depth++
        first.push(change)
        if (change.type === 'put' && change.entry.value < 5) writes.push(map.put('k', change.entry.value + 1))
        depth--
      })
      const second = record(map)
      await map.put('k', 1)
      // Each of them begins the next.
      for (let at = 0; at < 4; at++) {
        await bench.settle()
        await Promise.all(writes)
      }
      await bench.settle()
      assert.deepEqual(lines(first), ['put k=1', 'put k=2', 'put k=3', 'put k=4', 'put k=5'])
      assert.deepEqual(lines(second), lines(first))
      assert.ok(inside.every((at) => at === '0'))
    },
  },
  {
    name: 'an async hook that fails is counted, and ends nothing',
    async run(bench) {
      const grid = await bench.open()
      const map = grid.map<number>('m')
      const stop = grid.use({ onChange: async () => Promise.reject(new Error('async hook')) })
      await map.put('k', 1)
      await bench.settle()
      stop()
      assert.equal(grid.guestErrors, 1)
    },
  },
  {
    name: 'a hook that writes does not overtake, in any grid',
    async run(bench) {
      const [a, b] = [await bench.open(), await bench.open()]
      const [map, other] = [a.map<number>('m'), b.map<number>('m')]
      const writes: Promise<unknown>[] = []
      a.use({
        onChange(_name, change) {
          if (change.type === 'put' && change.entry.value === 1) writes.push(map.put('k', 2))
        },
      })
      await bench.settle()
      const all = [record(map), record(other)]
      await map.put('k', 1)
      await Promise.all(writes)
      await bench.settle()
      for (const told of all) assert.deepEqual(lines(told), ['put k=1', 'put k=2'])
      assert.equal(other.peek('k')?.value, 2)
    },
  },
  {
    name: 'a watch ends by close, by its signal and with the grid, at once',
    async run(bench) {
      const grid = await bench.open()
      const map = grid.map<number>('m')
      const closed: string[] = []
      const aborted: string[] = []
      const before: string[] = []
      const open: string[] = []
      const controller = new AbortController()
      const watch = map.watch((change) => closed.push(line(change)))
      map.watch((change) => aborted.push(line(change)), { signal: controller.signal })
      map.watch((change) => before.push(line(change)), { signal: AbortSignal.abort(), initial: true })
      map.watch((change) => open.push(line(change)))
      await map.put('k', 1)
      await bench.settle()
      const undelivered = map.put('k', 2)
      watch.close()
      watch.close()
      controller.abort()
      await undelivered
      await bench.settle()
      const last = Promise.allSettled([map.put('k', 3)])
      await grid.close()
      await last
      assert.deepEqual([closed, aborted, before], [['put k=1'], ['put k=1'], []])
      assert.deepEqual(open, ['put k=1', 'put k=2'])
    },
  },
  {
    name: 'a watch closed by its own listener is told nothing more',
    needs: ['linearizable'],
    async run(bench) {
      const map = (await bench.open()).map<number>('m')
      const told: string[] = []
      const watch = map.watch((change) => {
        told.push(line(change))
        watch.close()
      })
      await Promise.all([map.put('k', 1), map.put('k', 2)])
      assert.deepEqual(told, ['put k=1'])
    },
  },
  {
    name: 'a hook that writes when an entry expires does not overtake',
    needs: ['exact-time'],
    async run(bench) {
      const grid = await bench.open()
      const map = grid.map<number>('m')
      const writes: Promise<unknown>[] = []
      grid.use({ onChange: (_name, change) => void (change.type === 'expire' && writes.push(map.put('k', 2))) })
      const told = record(map)
      await map.put('k', 1, { ttlMs: 10 })
      await bench.pass(10)
      await Promise.all(writes)
      assert.deepEqual(lines(told), ['put k=1', 'expire k', 'put k=2'])
    },
  },
  {
    name: 'hooks are told every change of every map until they are removed; one that throws is counted',
    async run(bench) {
      const grid = await bench.open()
      const told: string[] = []
      const stop = grid.use({ onChange: (map, change) => void told.push(`${map} ${line(change)}`) })
      grid.use({
        onChange() {
          throw new Error('guest')
        },
      })
      await grid.map<number>('m').put('k', 1)
      await grid.map<number>('n').put('l', 2)
      await grid.map<number>('n').remove('l')
      stop()
      await grid.map<number>('m').put('k', 3)
      await bench.settle()
      assert.deepEqual(told, ['m put k=1', 'n put l=2', 'n remove l'])
      assert.equal(grid.guestErrors, 4)
    },
  },
]
