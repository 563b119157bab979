import { createVirtualClock, GridError, isGridError, openGrid, type GridMap, type VirtualClock } from '@stigmergy/grid'
import { createReadThrough, createWriteBehind, type ReadThrough, type WriteBehind } from '@stigmergy/grid/keep'
import { createMemoryStore, isStoreError, StoreError, type Store } from '@stigmergy/grid/store'
import { setImmediate as turn } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { finishBy } from './finish.ts'

const test = suite('keepers that hear late')
const fence = { owner: 'keeper', token: 1 }

interface Cell {
  readonly clock: VirtualClock
  readonly map: GridMap<number>
  readonly keeper: WriteBehind<number>
  readonly through: ReadThrough<number>
  finish<T>(promise: Promise<T>): Promise<T>
}

async function withKeeper(store: Store, use: (cell: Cell) => Promise<void>, options: { schemaVersion?: number } = {}): Promise<void> {
  const clock = createVirtualClock()
  const grid = await openGrid()
  const map = grid.map<number>('parts', { ...options, ...(options.schemaVersion === 2 && { upgrade: (value: unknown) => Number(value) }) })
  const keeper = createWriteBehind(map, { store, fence, clock, timeoutMs: 300 })
  const finish = <T>(promise: Promise<T>): Promise<T> => finishBy(clock, promise)
  await use({ clock, map, keeper, through: createReadThrough(map, { store }), finish })
  await finish(keeper.close()).catch(() => undefined)
  await grid.close()
}

async function countOf(store: Store): Promise<number> {
  let count = 0
  for await (const { id } of store.scan()) if (id.startsWith('parts/')) count += 1
  return count
}

test('a record that the keeper writes in a new schema is not taken for a removed one, however late the second look comes', async () => {
  const memory = createMemoryStore()
  await withKeeper(memory, async ({ map, keeper, finish }) => {
    for (let at = 0; at < 100; at++) await map.put(`k${at}`, at)
    await finish(keeper.flush())
  })
  let written = (): void => undefined
  const keeperWrote = new Promise<void>((resolve) => (written = resolve))
  // The refill has its records from the scan: what it gets is its second look.
  const slow: Store = {
    ...memory,
    get: async (id) => {
      await keeperWrote
      return memory.get(id)
    },
  }
  await withKeeper(
    memory,
    async ({ map, keeper, finish, clock }) => {
      const through = createReadThrough(map, { store: slow })
      const refilling = through.refill()
      for (let at = 0; at < 50; at++) {
        for (let each = 0; each < 5; each++) await turn()
        if (clock.nextAt() !== undefined) await clock.step()
      }
      await finish(keeper.flush())
      written()
      assert.is(await finish(refilling), 100)
      await finish(keeper.flush())
      assert.is(map.size, 100)
      assert.is(await countOf(memory), 100)
    },
    { schemaVersion: 2 },
  )
})

test('what was put before a removal, and is told after it, is removed as well', async () => {
  const store = createMemoryStore()
  await withKeeper(store, async ({ map, keeper, through, finish }) => {
    for (let at = 0; at < 20; at++) {
      const put = map.put(`a${at}`, at)
      const removing = keeper.remove(`a${at}`)
      await put
      await finish(removing)
      assert.is(await finish(through.get(`a${at}`)), undefined, `a${at}`)
    }
    await finish(keeper.flush())
    assert.is(map.size, 0)
    assert.is(await countOf(store), 0)
  })
})

test('a new keeper removes what it has not heard of yet', async () => {
  const store = createMemoryStore()
  const clock = createVirtualClock()
  await using grid = await openGrid()
  const map = grid.map<number>('parts')
  await map.put('a', 1)
  const keeper = createWriteBehind(map, { store, fence, clock })
  assert.ok(await finishBy(clock, keeper.remove('a')))
  assert.is(await createReadThrough(map, { store }).get('a'), undefined)
  await finishBy(clock, keeper.close())
})

test('a removal that failed removes nothing later: what the map holds is stored', async () => {
  const memory = createMemoryStore()
  let down = false
  const store: Store = {
    ...memory,
    get: async (id) => {
      if (down) throw new StoreError('STORE_UNREACHABLE', 'down')
      return memory.get(id)
    },
  }
  await withKeeper(store, async ({ map, keeper, finish }) => {
    await keeper.put('a', 1)
    await finish(keeper.flush())
    down = true
    const [removed] = await Promise.allSettled([finish(keeper.remove('a'))])
    assert.ok(removed?.status === 'rejected' && isStoreError(removed.reason, 'STORE_TIMEOUT'))
    down = false
    await finish(keeper.flush())
    assert.is(map.peek('a')?.value, 1)
    assert.is.not(await memory.get('parts/a'), undefined)
  })
})

test('nor does one that the map refused, after the record was deleted', async () => {
  const store = createMemoryStore()
  const clock = createVirtualClock()
  await using grid = await openGrid()
  const map = grid.map<number>('parts')
  const refusing = new Proxy(map, {
    get(of, name) {
      if (name === 'remove') return () => Promise.reject(new GridError('TIMEOUT', 'the cluster does not answer'))
      const value = Reflect.get(of, name) as unknown
      return typeof value === 'function' ? (value.bind(of) as unknown) : value
    },
  })
  const keeper = createWriteBehind(refusing, { store, fence, clock })
  await keeper.put('a', 1)
  await finishBy(clock, keeper.flush())
  const [removed] = await Promise.allSettled([finishBy(clock, keeper.remove('a'))])
  assert.ok(removed?.status === 'rejected' && isGridError(removed.reason, 'TIMEOUT'))
  await finishBy(clock, keeper.close())
  assert.equal([map.peek('a')?.value, (await store.get('parts/a'))?.rev], [1, 1])
})

test('a store that does not answer holds no closing up, and a second one says the same', async () => {
  const memory = createMemoryStore()
  const store: Store = { ...memory, commit: () => new Promise(() => undefined) }
  await withKeeper(store, async ({ map, keeper, finish }) => {
    await map.put('a', 1)
    for (const closing of [keeper.close(), keeper.close()]) {
      const [closed] = await Promise.allSettled([finish(closing)])
      assert.ok(closed?.status === 'rejected' && isStoreError(closed.reason, 'STORE_TIMEOUT'), JSON.stringify(closed))
    }
  })
})

test('a refill checks its options, and the signal before it looks', async () => {
  await withKeeper(createMemoryStore(), async ({ through }) => {
    const [aborted, wrong] = await Promise.allSettled([
      through.refill({ signal: AbortSignal.abort(new Error('enough')) }),
      through.refill({ signals: 1 } as never),
    ])
    assert.ok(aborted.status === 'rejected' && (aborted.reason as Error).message === 'enough')
    assert.ok(wrong.status === 'rejected' && isStoreError(wrong.reason, 'BAD_OPTION'))
  })
})

test.run()
