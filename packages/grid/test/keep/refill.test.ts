import { isGridError, openGrid } from '@stigmergy/grid'
import { createReadThrough, createWriteBehind } from '@stigmergy/grid/keep'
import { createMemoryStore, isStoreError, type Store } from '@stigmergy/grid/store'
import { setImmediate as turn } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('refill')
const fence = { owner: 'keeper', token: 1 }
const COUNT = 200

/** A store whose scan takes a turn for each record, as one over a network does. */
async function filled(foreign: readonly number[]): Promise<Store> {
  const store = createMemoryStore()
  const grid = await openGrid()
  const map = grid.map<number>('parts')
  const behind = createWriteBehind(map, { store, fence })
  for (let at = 0; at < COUNT; at++) await map.put(`p${at}`, at)
  await behind.close()
  await grid.close()
  for (const at of foreign) {
    const record = await store.get(`parts/p${at}`)
    await store.commit(`parts/p${at}`, record?.rev ?? 0, fence, Buffer.from('not an envelope'))
  }
  return {
    ...store,
    async *scan(options) {
      for await (const record of store.scan(options)) {
        await turn()
        yield record
      }
    },
  }
}

const reasonOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (reason: unknown) => reason,
  )

test('a record that cannot be read holds up no other, and is named', async () => {
  const store = await filled([3, 150])
  const grid = await openGrid()
  const map = grid.map<number>('parts')
  const through = createReadThrough(map, { store })
  const error = await reasonOf(through.refill())
  assert.ok(isStoreError(error, 'STORE_FAILED'), String(error))
  assert.match(error.message, /2 keys of map parts cannot be read from the store: "p150", "p3"; of the first: /)
  assert.ok(isGridError(error.cause, 'BAD_ENVELOPE'))
  assert.is(through.stats().refilled, COUNT - 2)
  assert.is([...map.entries()].length, COUNT - 2)
  await grid.close()
})

test('a map that is closed meanwhile ends it with the error of the map, once what it began is over', async () => {
  const store = await filled([])
  const grid = await openGrid()
  const refilling = reasonOf(createReadThrough(grid.map<number>('parts'), { store }).refill())
  for (let at = 0; at < 10; at++) await turn()
  await grid.close()
  const error = await refilling
  assert.ok(isGridError(error, 'CLOSED'), String(error))
})

test('a signal ends it with its reason', async () => {
  const store = await filled([0])
  await using grid = await openGrid()
  const over = new AbortController()
  const refilling = reasonOf(createReadThrough(grid.map<number>('parts'), { store }).refill({ signal: over.signal }))
  for (let at = 0; at < 10; at++) await turn()
  over.abort(new Error('enough'))
  assert.is(((await refilling) as Error).message, 'enough')
})

test.run()
