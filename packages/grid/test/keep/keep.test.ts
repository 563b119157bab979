import { createVirtualClock, openGrid, type GridMap } from '@stigmergy/grid'
import { createReadThrough, createWriteBehind, type WriteBehindOptions } from '@stigmergy/grid/keep'
import { isStoreError, type StoreErrorCode } from '@stigmergy/grid/store'
import { setImmediate as turn } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createRandom } from '../random.ts'
import { createFaultyStore } from './faulty-store.ts'
import { finishBy } from './finish.ts'

const test = suite('maps kept in a store')
const fence = { owner: 'keeper', token: 1 }

async function open<V>(options: Partial<WriteBehindOptions> = {}) {
  const clock = createVirtualClock()
  const store = createFaultyStore()
  const grid = await openGrid()
  const map: GridMap<V> = grid.map('parts')
  const behind = createWriteBehind(map, { store, fence, clock, ...options })
  /** Lets so much time pass; what is written meanwhile is done. */
  const pass = async (ms: number): Promise<void> => {
    const untilMs = clock.now() + ms
    for (await turn(); (clock.nextAt() ?? Infinity) <= untilMs;) {
      await clock.step()
      for (let at = 0; at < 5; at++) await turn()
    }
    await clock.runUntil(untilMs)
  }
  const finish = <T>(promise: Promise<T>): Promise<T> => finishBy(clock, promise)
  const kept = async (key: string): Promise<V | undefined> => {
    const fresh = await openGrid()
    const entry = await createReadThrough(fresh.map<V>('parts'), { store }).get(key)
    await fresh.close()
    return entry?.value
  }
  const done = async (): Promise<void> => {
    await finish(behind.close()).catch(() => undefined)
    await grid.close()
  }
  return { store, map, behind, pass, finish, kept, done }
}

async function refused(promise: Promise<unknown>, code: StoreErrorCode, text: string): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(isStoreError(error, code), `${code}, not ${String(error)}`)
  assert.match(error.message, text)
}

test('changes are written a moment later, the newest of each key, whoever made them', async () => {
  const { map, store, behind, pass, kept, done } = await open<number>()
  for (let at = 1; at <= 10; at++) await map.put('a', at)
  await behind.put('b', 1)
  await pass(19)
  assert.equal(store.log, [])
  await pass(2)
  assert.equal(store.log, ['get parts/a', 'get parts/b', 'commit parts/a 1', 'commit parts/b 1'])
  assert.equal([await kept('a'), await kept('b')], [10, 1])
  assert.equal(behind.stats(), { dirty: 0, stored: 2, coalesced: 9, failed: 0, passing: 0, refused: 0, lastError: undefined })
  await map.remove('a')
  await pass(25)
  assert.is(await kept('a'), undefined)
  await done()
})

test('many changes are written at once, and close writes what is left', async () => {
  const { map, store, behind, pass, finish, done } = await open<number>({ flushKeys: 3 })
  await Promise.all(['a', 'b', 'c'].map((key, at) => map.put(key, at)))
  await pass(0)
  assert.is(behind.stats().stored, 3)
  await map.put('d', 4)
  await finish(behind.close())
  assert.ok(store.log.includes('commit parts/d 1'))
  await refused(behind.put('e', 1), 'CLOSED', 'is closed')
  await done()
})

test('a full set of changes holds the writer back, and tells when it waits too long', async () => {
  const { store, behind, pass, map, done } = await open<number>({ maxDirty: 2, timeoutMs: 1000 })
  const release = store.hold()
  await behind.put('a', 1)
  await behind.put('b', 1)
  await turn()
  const held = behind.put('c', 1)
  await pass(500)
  assert.is(map.peek('c'), undefined)
  release()
  await pass(1)
  assert.is((await held).value, 1)
  await pass(50)
  const stuck = store.hold()
  await behind.put('a', 2)
  await behind.put('b', 2)
  await turn()
  const late = refused(behind.put('c', 2), 'STORE_BUSY', '2 changed keys of map parts wait for the store; maxDirty is 2')
  await pass(1001)
  await late
  stuck()
  await pass(100)
  await done()
})

test('a key whose write may still be on its way is deleted though nothing is there yet', async () => {
  const { store, map, behind, pass, finish, done } = await open<number>()
  await finish(behind.remove('never'))
  store.next('unanswered')
  await map.put('a', 1)
  await pass(100)
  store.next(undefined)
  await finish(behind.remove('a'))
  await finish(behind.remove('a'))
  assert.equal(
    store.log.filter((line) => line.startsWith('delete')),
    ['delete parts/a'],
  )
  await done()
})

test('thousands of changes asked for at once: never more than maxDirty of them are not stored', async () => {
  const { behind, map, pass, done } = await open<number>({ maxDirty: 100 })
  const keys = Array.from({ length: 3000 }, (_, at) => `k${at}`)
  let most = 0
  const run = async (calls: readonly Promise<unknown>[]): Promise<void> => {
    let left = calls.length
    for (const call of calls) void call.finally(() => (left -= 1))
    while (left > 0) {
      most = Math.max(most, behind.stats().dirty)
      await pass(10)
    }
    await Promise.all(calls)
  }
  await run(keys.map((key, at) => behind.put(key, at)))
  assert.is(map.size, 3000)
  await run(keys.map((key) => behind.remove(key)))
  assert.is(map.size, 0)
  assert.ok(most > 50 && most <= 100, `${most} at most`)
  await done()
})

test('a store that is down is tried again with growing pauses, and a key never goes back', async () => {
  const { store, map, behind, pass, kept, done } = await open<number>()
  store.next('down')
  for (let at = 1; at <= 5; at++) {
    await map.put('a', at)
    await pass(200)
  }
  const { failed } = behind.stats()
  assert.ok(failed >= 3 && failed <= 6, `${failed} tries in a second`)
  store.next('lost')
  await map.put('a', 6)
  await pass(5000)
  store.next(undefined)
  await pass(6000)
  assert.is(await kept('a'), 6)
  // A commit whose answer was lost is found in the store and not made again.
  assert.equal(
    store.log.filter((line) => line.startsWith('commit')),
    ['commit parts/a 1'],
  )
  await done()
})

test('a value that could not be stored never replaces a newer one, and an unknown outcome is asked about', async () => {
  const { store, map, pass, kept, done } = await open<number>()
  const release = store.hold()
  await map.put('a', 1)
  await pass(25)
  await map.put('a', 2)
  await turn()
  store.next('down')
  release()
  await pass(25)
  store.next(undefined)
  await pass(6000)
  assert.is(await kept('a'), 2)
  store.next('lost')
  await map.put('a', 3)
  await pass(25)
  await map.put('a', 4)
  store.next(undefined)
  await pass(6000)
  assert.is(await kept('a'), 4)
  await done()
})

test('who writes while a read asks the store is not overwritten by it', async () => {
  const { store, map, pass, done } = await open<number>()
  await map.put('a', 1)
  await pass(30)
  const fresh = await openGrid()
  const other = fresh.map<number>('parts')
  const release = store.hold()
  const reading = createReadThrough(other, { store }).get('a')
  await other.put('a', 9)
  release()
  assert.equal([(await reading)?.value, other.peek('a')?.value], [9, 9])
  await fresh.close()
  await done()
})

test('flush resolves when all of it is stored, and tells how much is not', async () => {
  const { store, map, behind, finish, kept, done } = await open<number>({ timeoutMs: 300 })
  await map.put('a', 1)
  await finish(behind.flush())
  assert.is(await kept('a'), 1)
  store.next('down')
  await map.put('a', 2)
  await finish(refused(behind.flush(), 'STORE_TIMEOUT', '1 changed keys of map parts are not stored after 300 ms'))
  store.next(undefined)
  await done()
})

test('a remove is in the store before it is in the map', async () => {
  const { store, map, behind, pass, done } = await open<number>()
  await map.put('a', 1)
  await pass(30)
  const release = store.hold()
  const removing = behind.remove('a')
  await pass(10)
  assert.is(map.peek('a')?.value, 1)
  release()
  await pass(50)
  assert.is(await removing, true)
  assert.is(map.peek('a'), undefined)
  assert.ok(store.log.includes('delete parts/a'))
  await done()
})

test('a keeper that another one followed stops, and the map goes on', async () => {
  const { store, map, behind, pass, done } = await open<number>()
  await map.put('a', 1)
  await pass(30)
  await store.commit('parts/a', 1, { owner: 'other', token: 2 }, Buffer.from('theirs'))
  await map.put('a', 2)
  await pass(30)
  assert.ok(isStoreError(behind.signal.reason, 'STORE_FENCED'))
  await refused(behind.put('a', 3), 'STORE_FENCED', '"other" holds it with token 2')
  await refused(behind.flush(), 'STORE_FENCED', '"other" holds it')
  assert.is(map.peek('a')?.value, 2)
  await done()
})

test('a wiped grid is refilled from the store; what is in the map stays, and what is stored is not written again', async () => {
  const { store, map, behind, pass, done } = await open<number>()
  for (let at = 0; at < 200; at++) await map.put(`k${at}`, at)
  await pass(1000)
  await done()
  assert.is(behind.stats().stored, 200)
  store.log.length = 0
  const wiped = await openGrid()
  const again = wiped.map<number>('parts')
  await again.put('k7', 777)
  const clock = createVirtualClock()
  const next = createWriteBehind(again, { store, fence: { owner: 'next', token: 2 }, clock })
  const through = createReadThrough(again, { store })
  assert.is(await through.refill(), 199)
  assert.equal([again.size, again.peek('k7')?.value, again.peek('k8')?.value], [200, 777, 8])
  const flushed = next.flush()
  for (let at = 0; at < 100; at++) {
    await turn()
    await clock.runUntil(clock.now() + 10)
  }
  await flushed
  assert.equal(
    store.log.filter((line) => line.startsWith('commit')),
    ['commit parts/k7 2'],
  )
  await next.close()
  await wiped.close()
})

test('many reads of one missing key ask the store once', async () => {
  const { store, map, pass, done } = await open<number>()
  await map.put('a', 1)
  await pass(30)
  const fresh = await openGrid()
  const through = createReadThrough(fresh.map<number>('parts'), { store })
  const entries = await Promise.all(Array.from({ length: 50 }, () => through.get('a')))
  assert.ok(entries.every((entry) => entry?.value === 1))
  assert.equal(through.stats(), { loads: 1, shared: 49, refilled: 1 })
  assert.is(await through.get('none'), undefined)
  assert.is((await through.get('a'))?.value, 1)
  assert.is(through.stats().loads, 2)
  await fresh.close()
  await done()
})

test('an entry with a time to live is not kept, and an older one that was is deleted', async () => {
  const { map, behind, pass, kept, done } = await open<number>()
  await map.put('a', 1)
  await pass(30)
  await map.put('a', 2, { ttlMs: 60_000 })
  await pass(30)
  assert.equal([await kept('a'), behind.stats().passing], [undefined, 1])
  await done()
})

test('a stored value of an older schema is upgraded, and a newer one refused', async () => {
  const { store, pass, done, map } = await open<{ x: number }>()
  await map.put('a', { x: 1 })
  await pass(30)
  await done()
  const grid = await openGrid()
  const upgraded = grid.map<{ x: number; y: number }>('parts', {
    schemaVersion: 2,
    upgrade: (value) => ({ ...(value as { x: number }), y: 0 }),
  })
  assert.equal((await createReadThrough(upgraded, { store }).get('a'))?.value, { x: 1, y: 0 })
  await grid.close()
})

test('random changes and faults: in the end the store holds what the map holds', async () => {
  const seed = 5
  const random = createRandom(seed)
  const { store, map, behind, pass, kept, done } = await open<number>({ retryMs: 10 })
  const keys = ['a', 'b', 'c', 'd']
  for (let at = 0; at < 300; at++) {
    const key = keys[Math.floor(random() * keys.length)] as string
    const dice = random()
    if (dice < 0.6) await map.put(key, at)
    else if (dice < 0.75) await map.remove(key)
    else if (dice < 0.9) store.next(dice < 0.8 ? 'down' : dice < 0.85 ? 'lost' : undefined)
    else await pass(random() * 40)
  }
  store.next(undefined)
  await pass(5000)
  for (const key of keys) assert.is(await kept(key), map.peek(key)?.value, `${key}, seed ${seed}`)
  assert.is(behind.stats().dirty, 0)
  await done()
})

test('options that cannot be', async () => {
  const { store, map, done } = await open<number>()
  const bad: readonly (readonly [object, string])[] = [
    [{ store: {} }, 'a Store'],
    [{ prefix: 'x'.repeat(201) }, 'at most 200 bytes'],
    [{ fence: { owner: '', token: 1 } }, 'fence.owner is ""'],
    [{ flushMs: 0 }, 'flushMs is 0'],
    [{ maxDirty: 0 }, 'maxDirty is 0'],
    [{ dirty: 1 }, 'createWriteBehind has no option "dirty"'],
  ]
  for (const [change, text] of bad) {
    try {
      createWriteBehind(map, { store, fence, ...change })
      assert.unreachable(text)
    } catch (error) {
      assert.ok(isStoreError(error, 'BAD_OPTION'), String(error))
      assert.match(error.message, text)
    }
  }
  await done()
})

test.run()
