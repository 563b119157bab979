import assert from 'node:assert/strict'
import type { GridMap } from '../grid.ts'
import { refusal, type GridCase } from './case.ts'

type Numbers = GridMap<number>

/** What a read relies on: per map, per call. */
export const consistencyCases: readonly GridCase[] = [
  {
    name: 'session: every grid reads its own writes, and never an older value than before',
    async run(bench) {
      const maps = [await bench.open(), await bench.open()].map((grid) => grid.map<number>('m', { consistency: 'session' }))
      const seen = maps.map(() => 0)
      for (let n = 0; n < 30; n++) {
        const [at, map] = [n % 2, maps[n % 2]]
        const entry = await map?.update('k', (value = 0) => value + 1)
        const read = await map?.get('k')
        assert.ok((read?.version ?? 0) >= (entry?.version ?? 0), 'its own write')
        for (const [one, other] of maps.entries()) {
          const version = (await other.get('k'))?.version ?? 0
          assert.ok(version >= (seen[one] ?? 0), `grid ${one} stepped back after write ${n} of grid ${at}`)
          seen[one] = version
          seen[one] = Math.max(version, (await other.get('k', { consistency: 'strong' }))?.version ?? 0)
        }
      }
    },
  },
  {
    name: 'caught up: the copy has all that was committed before the call, whoever committed it',
    async run(bench) {
      const [ours, theirs] = [await bench.open(), await bench.open()].map((grid) => grid.map<number>('m')) as [Numbers, Numbers]
      for (let n = 1; n <= 10; n++) {
        await ours.put('k', n)
        await theirs.caughtUp()
        assert.equal(theirs.peek('k')?.value, n)
      }
      await theirs.remove('k')
      await ours.caughtUp()
      assert.equal(ours.peek('k'), undefined)
    },
  },
  {
    name: 'the consistency of a map and of a call is checked',
    async run(bench) {
      const grid = await bench.open()
      const bad = 'quorum' as never
      assert.throws(() => grid.map('n', { consistency: bad }), refusal('BAD_OPTION', 'consistency is "quorum"'))
      const map = grid.map<number>('m', { consistency: 'strong' })
      assert.throws(() => grid.map('m', { consistency: 'session' }), refusal('MAP_REOPENED', 'consistency "strong", not "session"'))
      await assert.rejects(map.put('k', 1, { consistency: bad }), refusal('BAD_OPTION', 'consistency is "quorum"'))
      for (const consistency of ['eventual', 'session', 'strong'] as const) await map.put('k', 1, { consistency })
      assert.equal((await map.get('k'))?.value, 1)
      assert.equal((await map.get('k', { consistency: 'eventual' }))?.value, 1)
    },
  },
]
