import { createVirtualClock, openGrid } from '@stigmergy/grid'
import { createReadThrough, createWriteBehind } from '@stigmergy/grid/keep'
import { createMemoryStore, isStoreError, StoreError } from '@stigmergy/grid/store'
import { setImmediate as turn } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createFaultyStore } from './faulty-store.ts'

const test = suite('keys that a store cannot hold')
const fence = { owner: 'keeper', token: 1 }

async function open() {
  const clock = createVirtualClock()
  const grid = await openGrid()
  const map = grid.map<number>('parts')
  const store = createFaultyStore()
  const pass = async (ms: number): Promise<void> => {
    const untilMs = clock.now() + ms
    for (await turn(); (clock.nextAt() ?? Infinity) <= untilMs;) {
      await clock.step()
      for (let at = 0; at < 5; at++) await turn()
    }
    await clock.runUntil(untilMs)
  }
  return { clock, grid, map, store, pass }
}

const reason = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )

test('they are set aside and named, and the other keys are stored as ever', async () => {
  const { clock, grid, map, store, pass } = await open()
  const behind = createWriteBehind(map, { store, fence, clock })
  const long = 'k'.repeat(400)
  await map.put('bad\0key', 1)
  await map.put(long, 1)
  await map.put('good', 1)
  await pass(25)
  assert.is((await store.get('parts/good'))?.rev, 1)
  await pass(20_000)
  await map.put('good', 2)
  await pass(25)
  assert.is((await store.get('parts/good'))?.rev, 2)
  const { dirty, refused, failed, lastError } = behind.stats()
  assert.equal([dirty, refused, failed, isStoreError(lastError, 'BAD_ID')], [0, 2, 2, true])
  const told = reason(behind.flush())
  await pass(25)
  const error = await told
  assert.ok(isStoreError(error, 'BAD_ID'), String(error))
  assert.match(error.message, '2 keys of map parts cannot be stored: "bad\\u0000key", "kkk')
  // What is gone from the map needs no place in the store.
  await map.remove('bad\0key')
  const removing = behind.remove(long)
  await pass(25)
  assert.is(await removing, true)
  assert.is(behind.stats().refused, 0)
  await map.put('bad\0key', 2)
  const closing = reason(behind.close())
  await pass(25)
  assert.match(String(await closing), '1 keys of map parts cannot be stored: "bad\\u0000key"')
  await grid.close()
})

test('a key that fails by itself is tried again at its own pace, and does not slow the others', async () => {
  const { clock, grid, map, store, pass } = await open()
  let tries = 0
  const broken = {
    ...store,
    get(id: string) {
      if (id !== 'parts/broken') return store.get(id)
      tries += 1
      return tries < 10 ? Promise.reject(new StoreError('STORE_BROKEN', 'a damaged row')) : store.get(id)
    },
  }
  const behind = createWriteBehind(map, { store: broken, fence, clock })
  await map.put('broken', 1)
  await pass(10_000)
  assert.ok(tries >= 6 && tries <= 9, `${tries} tries in ten seconds`)
  await map.put('good', 1)
  await pass(25)
  assert.is((await store.get('parts/good'))?.rev, 1)
  await map.put('broken', 2)
  await pass(30_000)
  assert.is((await store.get('parts/broken'))?.rev, 1)
  assert.is(behind.stats().dirty, 0)
  const closing = behind.close()
  await pass(25)
  await closing
  await grid.close()
})

test('a record of a newer schema is neither overwritten nor deleted', async () => {
  const store = createMemoryStore()
  const [newer, older] = [await openGrid(), await openGrid()]
  const next = newer.map<{ x: number; y: number }>('parts', { schemaVersion: 2, upgrade: () => ({ x: 0, y: 0 }) })
  const first = createWriteBehind(next, { store, fence })
  await next.put('a', { x: 1, y: 1 })
  await next.put('b', { x: 1, y: 1 })
  await first.close()
  const map = older.map<{ x: number }>('parts')
  const keeper = createWriteBehind(map, { store, fence: { owner: 'next', token: 2 } })
  await map.put('a', { x: 2 })
  const errors = await Promise.all(
    [keeper.remove('b'), keeper.flush()].map((call) =>
      call.then(
        () => '',
        (error: Error) => error.message,
      ),
    ),
  )
  for (const message of errors) assert.match(message, /"[ab]" of map "parts" is stored with schema version 2; this process writes 1/)
  const again = createReadThrough(next, { store })
  await next.remove('a')
  assert.equal((await again.get('a'))?.value, { x: 1, y: 1 })
  await keeper.close().catch(() => undefined)
  await Promise.all([newer.close(), older.close()])
})

test.run()
