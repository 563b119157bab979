import { createVirtualClock, embedded, openGrid, type Clock, type Entry, type MapOptions } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Expiry } from '../src/map/expiry.ts'
import { lines, record } from '../src/testing/case.ts'

const test = suite('expiry')

function entry(key: string, ttlMs: number | undefined, acceptedAtMs = 0, version = 1): Entry<null> {
  const absent = { source: undefined, trace: undefined }
  return { key, value: null, version, writer: 'w', schemaVersion: 1, ttlMs, acceptedAtMs, ...absent }
}

/** A clock whose timers are counted, and fire early by as much as asked. */
function countingClock(earlyMs: number): Clock & { set: number; advance(ms: number): Promise<void> } {
  const clock = createVirtualClock()
  const counting = {
    ...clock,
    set: 0,
    setTimeout: (fn: () => void, delayMs: number) => {
      counting.set++
      return clock.setTimeout(fn, delayMs > earlyMs ? delayMs - earlyMs : delayMs)
    },
  }
  return counting
}

test('a timer that fires early ends nothing early', async () => {
  const clock = countingClock(0.7)
  const grid = await openGrid({ clock })
  const map = grid.map<number>('m', { ttlMs: 500 })
  const ended: number[] = []
  map.watch(({ type }) => type === 'expire' && ended.push(clock.now()))
  await map.put('k', 1)
  await clock.advance(499.9)
  assert.equal([ended, map.peek('k')?.value], [[], 1])
  await clock.advance(10)
  assert.equal([ended, clock.set], [[500], 4], 'the copy has a timer, and the memory')
  await grid.close()
})

test('a timer that fires late hides nothing late: reads look at the clock', async () => {
  let nowMs = 0
  const clock: Clock = { now: () => nowMs, wallNow: () => nowMs, setTimeout: () => 1, clearTimeout: () => {} }
  const memory = embedded()
  const grid = await openGrid(memory, { clock })
  const map = grid.map<number>('m', { ttlMs: 500 })
  const told: string[] = []
  map.watch((change) => told.push(change.type === 'put' ? `put ${change.entry.value} over ${change.previous?.value}` : change.type))
  await map.putAll([
    ['k', 1],
    ['l', 1],
  ])
  const version = map.peek('k')?.version ?? 0
  nowMs = 500
  assert.equal([map.peek('k'), [...map.entries()]], [undefined, []])
  assert.equal(await map.compareAndSet('k', version, 3), { ok: false, current: undefined })
  assert.is(await map.get('k', { consistency: 'strong' }), undefined)
  const late = await openGrid(memory, { clock })
  const lateTold = record(late.map<number>('m', { ttlMs: 500 }), { initial: true })
  assert.equal(told, ['put 1 over undefined', 'put 1 over undefined'])
  await map.put('k', 2)
  assert.equal(told.slice(2), ['expire', 'put 2 over undefined'], 'a write ends first what had expired')
  assert.is((await map.get('k', { consistency: 'strong' }))?.value, 2, 'and not what was written')
  assert.is(map.size, 1, 'size counts none that has expired')
  await Promise.resolve()
  assert.equal(told.slice(4), ['expire'])
  assert.equal(lines(lateTold), ['put k=2'])
  await Promise.all([grid.close(), late.close()])
})

test('an ended entry is forgotten by the memory too', async () => {
  const memory = embedded()
  const clock = createVirtualClock()
  const grid = await openGrid(memory, { clock })
  const map = grid.map<number>('m')
  await map.putAll(
    [
      ['k', 1],
      ['l', 1],
    ],
    { ttlMs: 500 },
  )
  await map.put('stays', 1)
  await clock.advance(500)
  // To a clock that stands at the beginning nothing has ended yet: it shows all that is still kept.
  const past = await openGrid(memory, { clock: createVirtualClock() })
  assert.equal(
    Array.from(past.map('m').entries(), ({ key }) => key),
    ['stays'],
  )
  await Promise.all([grid.close(), past.close()])
})

test('what this process holds no copy of is forgotten by the memory at its time, too', async () => {
  const parts: readonly MapOptions<number>[] = [
    { interest: { prefix: 'z' } },
    { interest: { where: () => false } },
    { interest: 'none' },
    { maxEntries: 2 },
  ]
  for (const part of parts) {
    const memory = embedded()
    const clock = createVirtualClock()
    const grid = await openGrid(memory, { clock })
    const map = grid.map<number>('m', part)
    for (let n = 0; n < 10; n++) await map.put(`k${n}`, n, { ttlMs: 500 })
    await map.put('stays', 1)
    await clock.advance(500)
    const past = await openGrid(memory, { clock: createVirtualClock() })
    const kept = Array.from(past.map('m').entries(), ({ key }) => key)
    assert.equal(kept, ['stays'], JSON.stringify(part))
    await Promise.all([grid.close(), past.close()])
    assert.is(clock.pending, 0, 'a timer stands only while a grid has the map open')
  }
})

test('what expired while no grid had the map open is forgotten when one has', async () => {
  const memory = embedded()
  const clock = createVirtualClock()
  const first = await openGrid(memory, { clock })
  await first.map('m').put('k', 1, { ttlMs: 500 })
  await first.map('m').put('l', 1, { ttlMs: 1500 })
  await first.close()
  await clock.advance(1000)
  const second = await openGrid(memory, { clock })
  assert.is(second.map('m').size, 1)
  await clock.advance(1)
  const past = await openGrid(memory, { clock: createVirtualClock() })
  assert.is(past.map('m').size, 1)
  await Promise.all([second.close(), past.close()])
})

test('one timer per copy of a map and one of its memory, set anew only for an earlier end', async () => {
  const clock = countingClock(0)
  const grid = await openGrid({ clock })
  const map = grid.map<number>('m', { ttlMs: 500 })
  for (let n = 0; n < 100; n++) await map.put(`k${n}`, n)
  assert.is(clock.set, 2)
  await map.put('sooner', 1, { ttlMs: 100 })
  assert.is(clock.set, 4)
  await clock.advance(1000)
  assert.equal([map.size, clock.set], [0, 6])
  await grid.close()
})

test('overwritten entries do not pile up until their time', () => {
  const clock = createVirtualClock()
  const present = new Map<string, Entry<null>>()
  let checks = 0
  const due: Entry<null>[] = []
  const expiry = new Expiry<Entry<null>>({
    clock,
    isPresent: (one) => (checks++, present.get(one.key) === one),
    presentCount: () => present.size,
    onDue: (one) => due.push(one),
  })
  for (let n = 1; n <= 10_000; n++) {
    const one = entry(`k${n % 10}`, 3_600_000, 0, n)
    present.set(one.key, one)
    expiry.add(one)
  }
  assert.ok(expiry.size <= 2 * 10 + 64, `${expiry.size}`)
  assert.ok(checks < 3 * 10_000, `${checks} checks: compaction must pay for itself`)
  assert.is(clock.pending, 1)
  expiry.clear()
  assert.equal([clock.pending, expiry.size, due.length], [0, 0, 0])
})

test('a time to live longer than the longest timer of Node is kept', async () => {
  const clock = createVirtualClock()
  const clamped: Clock = { ...clock, setTimeout: (fn, delayMs) => clock.setTimeout(fn, Math.min(delayMs, 1000)) }
  const grid = await openGrid({ clock: clamped })
  const map = grid.map<number>('m', { ttlMs: 5500 })
  await map.put('k', 1)
  await clock.advance(5499)
  assert.is(map.size, 1)
  await clock.advance(1)
  assert.equal([map.size, clock.pending], [0, 0])
  await grid.close()
})

test.run()
