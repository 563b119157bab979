import { isStoreError, type StoreErrorCode } from '@stigmergy/grid/store'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openEnvironment, type Environment } from '../../src/durable/environment.ts'
import { guardedRange } from '../../src/durable/guarded.ts'
import { createLmdbStore } from '../../src/durable/lmdb-store.ts'
import { resolveDurableOptions } from '../../src/durable/options.ts'
import { quickPlace } from './places.ts'

const test = suite('pages that lmdb cannot read')
const ours = { owner: 'a', token: 1 }
const bytes = Buffer.from('x')

/** What lmdb throws where a page leads to nowhere. */
const damage = (): Error => new Error('MDB_PAGE_NOTFOUND: Requested page not found')

async function code(promise: Promise<unknown>): Promise<StoreErrorCode | undefined> {
  const [result] = await Promise.allSettled([promise])
  const error: unknown = result?.status === 'rejected' ? result.reason : undefined
  if (error === undefined) return undefined
  assert.ok(isStoreError(error), String(error))
  assert.match(error.message, 'MDB_PAGE_NOTFOUND')
  return error.code
}

test('a commit that cannot read what it depends on is refused, and the next one is tried like any other', async () => {
  const place = await quickPlace()
  const environment = await openEnvironment(resolveDurableOptions({ path: place.path, timeoutMs: 1000 }))
  let damaged = true
  const doubtful: Environment = {
    ...environment,
    readNow(table, key, what) {
      if (damaged && what === 'the epoch') throw damage()
      return environment.readNow(table, key, what)
    },
  }
  const store = createLmdbStore(doubtful)
  assert.equal(await Promise.all([code(store.commit('a', 0, ours, bytes)), code(store.commit('b', 0, ours, bytes))]), [
    'STORE_BROKEN',
    'STORE_BROKEN',
  ])
  damaged = false
  assert.is(await store.commit('a', 0, ours, bytes), 1)
  await environment.close()
  await place.done()
})

test('a read is refused with what is wrong, wherever the range ends', async () => {
  const place = await quickPlace()
  const environment = await openEnvironment(resolveDurableOptions({ path: place.path }))
  const store = createLmdbStore({
    ...environment,
    table(name, versions) {
      const table = environment.table(name, versions)
      if (name !== 'heads') return table
      return Object.assign(Object.create(table) as typeof table, {
        getEntry: () => {
          throw damage()
        },
        getKeys: () => {
          throw damage()
        },
      })
    },
  })
  assert.is(await code(store.get('a')), 'STORE_BROKEN')
  assert.is(await code(store.scan()[Symbol.asyncIterator]().next()), 'STORE_BROKEN')
  await environment.close()
  await place.done()
  let ended = false
  function* range(): Generator<number> {
    try {
      yield 1
      throw damage()
    } finally {
      ended = true
    }
  }
  const found: number[] = []
  assert.is(await code((async () => found.push(...guardedRange(environment, range)))()), 'STORE_BROKEN')
  for (const each of guardedRange(environment, range)) if (each === 1) break
  assert.ok(ended)
  assert.throws(() => {
    for (const each of guardedRange(environment, range)) throw new Error(`mine ${each}`)
  }, /mine 1/)
})

test.run()
