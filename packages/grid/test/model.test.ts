import type { Entry, GridMap } from '@stigmergy/grid'
import { embedded } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createBench } from './bench.ts'
import { createRandom } from './random.ts'
import { remote } from './remote-backend.ts'

// Random operations from two grids on one memory, against a plain Map. The seed is in every message.

interface Kept {
  readonly value: number
  readonly version: number
  readonly endsAtMs: number
}

const KEYS = ['a', 'b', 'c', 'd']

async function play(seed: number, backend = embedded()): Promise<void> {
  const random = createRandom(seed)
  const below = (limit: number): number => Math.floor(random() * limit)
  const bench = createBench(backend)
  const grids = [await bench.open(), await bench.open()]
  const maps = grids.map((grid) => grid.map<number>('m', { ttlMs: 40 }))
  const model = new Map<string, Kept>()
  /** What a watcher alone would know. */
  const mirrors = maps.map((map) => mirror(map))

  const present = (key: string): Kept | undefined => {
    const kept = model.get(key)
    return kept !== undefined && kept.endsAtMs > bench.clock.now() ? kept : undefined
  }
  const keep = ({ key, value, version }: Entry<number>, ttlMs: number): void => {
    assert.ok(version > (model.get(key)?.version ?? 0), `seed ${seed}: version`)
    model.set(key, { value, version, endsAtMs: bench.clock.now() + ttlMs })
  }

  for (let step = 0; step < 120; step++) {
    const map = maps[below(2)] as GridMap<number>
    const key = KEYS[below(KEYS.length)] as string
    const value = below(1000)
    const where = `seed ${seed}, step ${step}`
    const before = present(key)
    const guess = random() < 0.7 ? (before?.version ?? 0) : below(20)
    const act = below(9)
    if (act === 0) keep(await map.put(key, value), 40)
    else if (act === 1) keep(await map.put(key, value, { ttlMs: 100 }), 100)
    else if (act === 2) {
      const result = await map.compareAndSet(key, guess, value)
      assert.is(result.ok, guess === (before?.version ?? 0), where)
      if (result.ok) keep(result.entry, 40)
      else assert.is(result.current?.value, before?.value, where)
    } else if (act === 3) {
      assert.is(await map.remove(key), before !== undefined, where)
      model.delete(key)
    } else if (act === 4) {
      const removed = await map.removeIf(key, guess)
      assert.is(removed, before !== undefined && guess === before.version, where)
      if (removed) model.delete(key)
    } else if (act === 5) {
      const entry = await map.update(key, (current) => (current === undefined ? value : current + 1))
      assert.is(entry?.value, before === undefined ? value : before.value + 1, where)
      if (entry !== undefined) keep(entry, 40)
    } else if (act === 6) {
      await map.putAll(KEYS.map((one) => [one, value]))
      for (const one of KEYS) keep((await map.get(one, { consistency: 'strong' })) as Entry<number>, 40)
    } else if (act === 7 && random() < 0.2) {
      await map.clear()
      model.clear()
    } else await bench.pass(below(30))

    await bench.settle()
    for (const one of KEYS) {
      const kept = present(one)
      const expected = kept === undefined ? undefined : { value: kept.value, version: kept.version }
      for (const [at, each] of maps.entries()) {
        assert.equal(brief(each.peek(one)), expected, `${where}: peek ${one}`)
        assert.equal(brief(await each.get(one, { consistency: 'strong' })), expected, `${where}: get ${one}`)
        assert.equal(brief(mirrors[at]?.get(one)), expected, `${where}: watcher ${one}`)
      }
    }
    const size = KEYS.filter((one) => present(one) !== undefined).length
    for (const each of maps) assert.equal([each.size, [...each.entries()].length], [size, size], where)
  }
  await bench.close()
}

function mirror(map: GridMap<number>): Map<string, Entry<number>> {
  const known = new Map<string, Entry<number>>()
  map.watch((change) => {
    if (change.type === 'put') {
      assert.equal(known.get(change.key), change.previous)
      known.set(change.key, change.entry)
    } else if (change.type !== 'resync') {
      assert.equal(known.get(change.key), change.previous)
      known.delete(change.key)
    }
  })
  return known
}

function brief(entry: Entry<number> | undefined): { value: number; version: number } | undefined {
  return entry === undefined ? undefined : { value: entry.value, version: entry.version }
}

const test = suite('model')

test('random operations do what a plain Map does', async () => {
  for (let seed = 1; seed <= 25; seed++) await play(seed)
})

test('random operations do what a plain Map does, behind a wire', async () => {
  for (let seed = 101; seed <= 115; seed++) await play(seed, remote(embedded()))
})

test.run()
