import assert from 'node:assert/strict'
import type { MapOptions } from '../grid.ts'
import { lines, record, refusal, type GridCase } from './case.ts'

interface Version2 {
  readonly metres: number
}

const version2: MapOptions<Version2> = {
  schemaVersion: 2,
  upgrade: (value, from) => ({ metres: (value as { mm: number }).mm / (from === 1 ? 1000 : NaN) }),
}

/** Schema versions: upgraded on the way in, or refused and left untouched (I9). */
export const schemaCases: readonly GridCase[] = [
  {
    name: 'an older schema version is upgraded for the reader; what is stored stays',
    async run(bench) {
      const [old, young, old2] = [await bench.open(), await bench.open(), await bench.open()]
      const map = young.map<Version2>('m', version2)
      const told = record(map)
      await old.map<{ mm: number }>('m').put('k', { mm: 1500 })
      await bench.settle()
      assert.deepEqual([map.peek('k')?.value, map.peek('k')?.schemaVersion], [{ metres: 1.5 }, 2])
      assert.ok(Object.isFrozen(map.peek('k')?.value))
      assert.deepEqual(lines(told), ['put k={"metres":1.5}'])
      const same = old2.map<{ mm: number }>('m')
      await bench.settle()
      assert.deepEqual([same.peek('k')?.value, same.peek('k')?.schemaVersion], [{ mm: 1500 }, 1])
    },
  },
  {
    name: 'a newer schema version is refused by every method, and left untouched',
    async run(bench) {
      const [old, young] = [await bench.open(), await bench.open()]
      const stale = old.map<{ mm: number }>('m')
      await stale.put('k', { mm: 1 })
      await stale.put('l', { mm: 2 })
      const told = record(stale)
      const map = young.map<Version2>('m', version2)
      const { version } = await map.put('k', { metres: 7 })
      await bench.settle()
      assert.deepEqual(lines(told), ['remove k'], 'this process can no longer show it')
      const refused = refusal('NEWER_SCHEMA', '"k" of map "m": it has schema version 2; this process knows up to 1')
      assert.throws(() => stale.peek('k'), refused)
      const operations = [
        () => stale.get('k'),
        () => stale.get('k', { consistency: 'strong' }),
        () => stale.put('k', { mm: 3 }),
        () =>
          stale.putAll([
            ['n', { mm: 3 }],
            ['k', { mm: 3 }],
          ]),
        () => stale.remove('k'),
        () => stale.removeIf('k', version),
        () => stale.compareAndSet('k', version, { mm: 3 }),
        () => stale.update('k', () => ({ mm: 3 })),
        () => stale.clear(),
      ] as const
      for (const operate of operations) await assert.rejects(operate, refused)
      assert.deepEqual(
        Array.from(stale.entries(), ({ key }) => key),
        ['l'],
      )
      assert.deepEqual([map.peek('k')?.value, map.peek('k')?.version], [{ metres: 7 }, version])
      await map.remove('k')
      await bench.settle()
      assert.equal(stale.peek('k'), undefined)
      await stale.put('k', { mm: 4 })
    },
  },
  {
    name: 'a newer schema version is refused, and left untouched, also by who does not hold the key and writes without looking',
    async run(bench) {
      const [one, two, three, four, young] = await Promise.all([1, 2, 3, 4, 5].map(() => bench.open()))
      const parts = [
        one?.map<number>('m', { interest: 'none' }),
        two?.map<number>('m', { interest: { prefix: 'eu.' } }),
        three?.map<number>('m', { maxEntries: 4 }),
        four?.map<number>('m', { interest: { where: () => false } }),
      ] as const
      for (const part of parts) await part?.put('old', 1)
      const map = young?.map<number>('m', { schemaVersion: 2, upgrade: Number })
      const { version } = (await map?.put('k', 7)) ?? { version: 0 }
      const refused = refusal('NEWER_SCHEMA', '"k" of map "m": it has schema version 2; this process knows up to 1')
      for (const part of parts) {
        const operations = [
          () => part?.put('k', 3),
          () => part?.put('k', 3, { ttlMs: 500 }),
          () => part?.put('k', 3, { consistency: 'strong' }),
          () => part?.putAll([['k', 3]]),
          () => part?.remove('k'),
          () => part?.compareAndSet('k', version, 3),
          () => part?.update('k', () => 3),
          () => part?.clear(),
        ] as const
        for (const operate of operations) await assert.rejects(async () => operate(), refused)
        await part?.put('old', 2)
        await part?.putAll([['more', 2]])
      }
      await bench.settle()
      assert.deepEqual([map?.peek('k')?.value, map?.peek('k')?.version], [7, version])
      await map?.remove('k')
      await bench.settle()
      for (const part of parts) await part?.put('k', 4)
    },
  },
  {
    name: 'without upgrade, or with one that fails, an older schema version is refused',
    async run(bench) {
      const [old, without, failing] = [await bench.open(), await bench.open(), await bench.open()]
      await old.map<number>('m').put('k', 1)
      await bench.settle()
      const bare = without.map<number>('m', { schemaVersion: 3 })
      const broken = failing.map<number>('m', { schemaVersion: 3, upgrade: () => NaN })
      await bench.settle()
      await assert.rejects(bare.get('k'), refusal('NO_UPGRADE', 'schema version 1; the map writes 3'))
      await assert.rejects(broken.get('k'), refusal('UPGRADE_FAILED', 'from schema version 1 to 3'))
      assert.equal(old.map<number>('m').peek('k')?.value, 1)
    },
  },
]
