import { createVirtualClock, type Entry, type Merge } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { HybridClock } from '../src/time/hybrid-clock.ts'
import { firstStamps, mergeWrites } from '../src/map/merge.ts'
import { seal } from '../src/map/seal.ts'
import { Tombstones } from '../src/map/tombstones.ts'

const test = suite('merge')

interface Write<V> {
  readonly at: number
  readonly writer: string
  readonly value: V
}

function asEntry<V>(merge: Merge<V>, { at, writer, value }: Write<V>): Entry<V> {
  const absent = { ttlMs: undefined, source: undefined, trace: undefined }
  return { key: 'k', value, version: 1, writer, schemaVersion: 1, acceptedAtMs: 0, stamps: firstStamps(merge, at, value), ...absent }
}

/** What stands after these writes came in this order. */
function play<V>(merge: Merge<V>, writes: readonly Write<V>[]): V | undefined {
  let stands: Entry<V> | undefined
  for (const write of writes) {
    if (stands === undefined) {
      stands = asEntry(merge, write)
      continue
    }
    const { at, writer, value } = write
    const merged = mergeWrites(merge, stands, { writer, stamps: firstStamps(merge, at, value), sealed: seal(value) })
    if (merged !== undefined) stands = { ...stands, writer, value: merged.sealed.value as V, stamps: merged.stamps }
  }
  return stands?.value
}

function orders<T>(items: readonly T[]): readonly T[][] {
  if (items.length < 2) return [[...items]]
  return items.flatMap((first, at) => orders(items.filter((_, other) => other !== at)).map((rest) => [first, ...rest]))
}

test('last writer wins in every order of arrival; equal stamps are told apart by the writer', () => {
  const writes = [
    { at: 5, writer: 'a', value: 'early' },
    { at: 9, writer: 'a', value: 'tied' },
    { at: 9, writer: 'b', value: 'late' },
  ]
  for (const order of orders(writes)) assert.is(play('last-writer-wins', order), 'late')
})

test('per attribute in every order of arrival: each attribute, and what stands beside them, is its latest', () => {
  const value = (attributes: Record<string, number>, ts: number): { entityId: string; attributes: Record<string, number>; ts: number } => ({
    entityId: 'e',
    attributes,
    ts,
  })
  const writes = [
    { at: 1, writer: 'a', value: value({ x: 1, y: 1 }, 10) },
    { at: 2, writer: 'b', value: value({ x: 2, z: 2 }, 20) },
    { at: 3, writer: 'c', value: value({ y: 3 }, 30) },
  ]
  for (const order of orders(writes)) {
    const merged = play('per-attribute', order)
    assert.equal([merged?.attributes['x'], merged?.attributes['y'], merged?.attributes['z'], merged?.ts], [2, 3, 2, 30])
  }
})

test('a late write that is older in everything changes nothing', () => {
  const current = asEntry<{ attributes: Record<string, number> }>('per-attribute', { at: 9, writer: 'a', value: { attributes: { x: 1 } } })
  const value = { attributes: { x: 2 } }
  assert.is(
    mergeWrites('per-attribute', current, { writer: 'b', stamps: firstStamps('per-attribute', 3, value), sealed: seal(value) }),
    undefined,
  )
  const bare = { ...current, value: 7 as unknown as typeof value, stamps: undefined }
  const over = mergeWrites('per-attribute', bare, { writer: 'b', stamps: firstStamps('per-attribute', 3, value), sealed: seal(value) })
  assert.equal(over?.sealed.value, value, 'what has no attributes and no stamp is older than anything')
})

test('a stamp is later than all made or seen before, whatever the wall clock says', async () => {
  const clock = createVirtualClock({ wallStartMs: 1000 })
  const hybrid = new HybridClock(clock)
  const first = hybrid.next()
  assert.is(first, 1_000_000)
  assert.is(hybrid.next(), first + 1, 'time stood still')
  hybrid.see(first + 70_000_000)
  assert.is(hybrid.next(), first + 70_000_001, 'a process whose clock is 70 s ahead was seen')
  hybrid.see(5)
  hybrid.see(NaN)
  hybrid.see(Number.MAX_SAFE_INTEGER)
  assert.is(hybrid.next(), first + 70_000_002, 'what is older, or no time at all, is passed over')
  await clock.advance(71_000)
  assert.is(hybrid.next(), 72_000_000, 'the wall clock has caught up')
})

test('a tombstone outlasts older writes, until its time, and only so many are kept', () => {
  const tombstones = new Tombstones(100, 3)
  tombstones.add('k', { version: 7, writer: 'b', at: 50 }, 0)
  assert.is(tombstones.later('k', 49, 'z', 99)?.version, 7)
  assert.is(tombstones.later('k', 50, 'a', 99)?.version, 7, 'equal stamps: the higher writer is later')
  assert.is(tombstones.later('k', 50, 'c', 99), undefined)
  assert.is(tombstones.later('k', 51, 'a', 99), undefined)
  assert.is(tombstones.later('k', 49, 'a', 100), undefined, 'forgotten')
  assert.is(tombstones.later('other', 1, 'a', 0), undefined)
  for (const key of ['l', 'm', 'n']) tombstones.add(key, { version: 1, writer: 'a', at: 1 }, 10)
  assert.equal([tombstones.size, tombstones.later('k', 1, 'a', 11)], [3, undefined])
  tombstones.add('o', { version: 1, writer: 'a', at: 1 }, 200)
  assert.is(tombstones.size, 1)
})

test.run()
