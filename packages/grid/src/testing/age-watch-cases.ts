import assert from 'node:assert/strict'
import type { AgeOptions, GridMap } from '../grid.ts'
import { refusal, type GridCase } from './case.ts'

function ages(map: GridMap<number>, options: AgeOptions): string[] {
  const told: string[] = []
  map.onAge(options, (event, ageMs) => told.push(`${event} ${ageMs}`))
  return told
}

/** An age that crosses its bound (I4). */
export const ageWatchCases: readonly GridCase[] = [
  {
    name: 'a source that goes silent is stale just above the bound, and fresh when it is heard again',
    needs: ['exact-time', 'ageless'],
    async run(bench) {
      const map = (await bench.open()).map<number>('m')
      const told = ages(map, { maxAgeMs: 50, source: 'r1' })
      await bench.pass(0)
      assert.deepEqual(told, ['stale Infinity'], 'it was never heard')
      await map.put('r1', 1, { source: { epoch: 1, seq: 1 } })
      for (let seq = 2; seq < 6; seq++) {
        await bench.pass(50)
        await map.put('r1', 1, { source: { epoch: 1, seq } })
      }
      assert.deepEqual(told.splice(0), ['stale Infinity', 'fresh 0'], '50 ms are not above 50 ms')
      await bench.pass(50)
      assert.deepEqual(told, [])
      await bench.pass(1)
      await map.put('r1', 1, { source: { epoch: 1, seq: 5 } })
      assert.deepEqual(told, ['stale 51'], 'a repeated stamp is no sign of life')
      await map.put('r1', 1, { source: { epoch: 1, seq: 6 } })
      await bench.pass(0)
      assert.deepEqual(told, ['stale 51', 'fresh 0'])
      await map.remove('r1')
      await bench.pass(0)
      assert.deepEqual(told.slice(2), ['stale Infinity'], 'gone')
      await map.put('r1', 1, { source: { epoch: 2, seq: 1 } })
      await bench.pass(60)
      await map.remove('r1')
      await bench.pass(0)
      assert.deepEqual(told.slice(3), ['fresh 0', 'stale 51'], 'silent, and then gone: nothing new')
    },
  },
  {
    name: 'the age of the copy can be watched, and a watch ends by close, signal and grid',
    async run(bench) {
      const grid = await bench.open()
      const map = grid.map<number>('m')
      await map.put('k', 1)
      const told = ages(map, { maxAgeMs: 60_000 })
      const ended: string[] = []
      map.onAge({ maxAgeMs: 1, source: 'x' }, () => ended.push('closed')).close()
      map.onAge({ maxAgeMs: 1, source: 'x', signal: AbortSignal.abort() }, () => ended.push('aborted'))
      await bench.settle()
      assert.deepEqual([told, ended], [[], []])
      assert.throws(() => map.onAge({ maxAgeMs: -1 }, () => {}), refusal('BAD_OPTION', 'maxAgeMs is -1'))
      assert.throws(() => map.onAge({ maxAgeMs: 1, key: 'x' } as never, () => {}), refusal('BAD_OPTION', 'onAge has no option "key"'))
      assert.throws(() => map.onAge({ maxAgeMs: 1 }, undefined as never), refusal('BAD_OPTION', 'listener is undefined'))
      map.onAge({ maxAgeMs: 1, source: 'y' }, () => {
        throw new Error('broken')
      })
      await bench.settle()
      assert.equal(grid.guestErrors, 1)
      await grid.close()
      assert.throws(() => map.onAge({ maxAgeMs: 1 }, () => {}), refusal('CLOSED'))
    },
  },
]
