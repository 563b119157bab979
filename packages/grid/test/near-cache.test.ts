import { createVirtualClock, type Change, type Entry } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { NearCache } from '../src/map/near-cache.ts'
import { SourceAges } from '../src/age/source-ages.ts'
import { lines } from '../src/testing/case.ts'

const test = suite('near cache')

function entry(key: string, value: number, version: number, more: Partial<Entry<number>> = {}): Entry<number> {
  const absent = { ttlMs: undefined, source: undefined, trace: undefined }
  return { key, value, version, writer: 'w', schemaVersion: 1, acceptedAtMs: 0, ...absent, ...more }
}

function create(): { near: NearCache<number>; told: Change<number>[]; clock: ReturnType<typeof createVirtualClock> } {
  const clock = createVirtualClock()
  const told: Change<number>[] = []
  return { near: new NearCache<number>(clock, (change) => told.push(change)), told, clock }
}

test('sources of entries that are not held are kept only in a bounded number, where they have a time to live', () => {
  const { near } = create()
  const source = { epoch: 1, seq: 1 }
  near.leave(entry('lives', 0, 1, { source }))
  for (let n = 0; n <= 65_536; n++) near.leave(entry(`k${n}`, n, n + 2, { source, ttlMs: 5 }))
  assert.equal([near.sources.ageMs('k0', 9), near.sources.ageMs('k1', 9), near.sources.ageMs('lives', 9)], [Infinity, 9, 9])
})

test('only what is news changes the copy and is told', () => {
  const { near, told } = create()
  near.put(entry('k', 1, 5))
  near.put(entry('k', 2, 5))
  near.put(entry('k', 3, 4))
  near.remove('k', 4, 0, undefined)
  near.remove('absent', 9, 0, undefined)
  assert.is(near.peek('k')?.value, 1)
  near.put(entry('k', 4, 6))
  near.remove('k', 7, 0, undefined)
  near.remove('k', 7, 0, undefined)
  assert.equal(lines(told), ['put k=1', 'put k=4', 'remove k'])
  assert.equal([near.peek('k'), near.size], [undefined, 0])
})

test('a reset replaces the copy, is told once, and forgets the sources that are gone', async () => {
  const { near, told, clock } = create()
  near.put(entry('kept', 1, 1, { source: { epoch: 1, seq: 3 } }))
  near.put(entry('gone', 1, 2, { source: { epoch: 1, seq: 1 } }))
  near.put(entry('ends', 1, 3, { ttlMs: 100 }))
  await clock.advance(50)
  const kept = entry('kept', 1, 1, { source: { epoch: 1, seq: 3 }, acceptedAtMs: 50 })
  near.reset('gap', [kept, entry('new', 2, 9, { ttlMs: 100, acceptedAtMs: 50 })])
  assert.equal(lines(told.slice(3)), ['resync gap kept=1 new=2'])
  assert.is(near.sources.ageMs('kept', clock.now()), 50, 'what was known before is not a new sign of life')
  assert.is(near.sources.ageMs('gone', clock.now()), Infinity)
  await clock.advance(100)
  assert.equal(lines(told.slice(4)), ['expire new'])
})

test('iterating meets neither what expired meanwhile nor what was removed', async () => {
  const { near, clock } = create()
  for (const key of ['a', 'b', 'c']) near.put(entry(key, 1, 1))
  near.put(entry('d', 1, 1, { ttlMs: 10 }))
  near.put(entry('e', 1, 1))
  const met: string[] = []
  for (const { key } of near.entries()) {
    met.push(key)
    if (key === 'a') near.remove('b', 2, 0, undefined)
    if (key === 'c') await clock.advance(10)
  }
  assert.equal(met, ['a', 'c', 'e'])
})

test('clear stops the timer and tells nobody', async () => {
  const { near, told, clock } = create()
  near.put(entry('k', 1, 1, { ttlMs: 10 }))
  near.clear()
  assert.is(clock.pending, 0)
  await clock.advance(20)
  assert.is(told.length, 1)
})

test('sources of expired entries are remembered, but only so many', () => {
  const sources = new SourceAges(2)
  for (const [at, key] of ['a', 'b', 'c', 'd'].entries()) sources.accept(key, { epoch: 1, seq: 1 }, 'w', at)
  for (const key of ['a', 'b']) sources.expire(key)
  sources.accept('a', { epoch: 1, seq: 2 }, 'w', 9)
  for (const key of ['c', 'd', 'never stamped']) sources.expire(key)
  assert.equal(
    ['a', 'b', 'c', 'd'].map((key) => sources.ageMs(key, 10)),
    [1, Infinity, 8, 7],
    'b was the oldest silent one; a spoke again',
  )
})

test.run()
