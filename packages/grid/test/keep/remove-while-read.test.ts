import { createVirtualClock, openGrid, type GridMap } from '@stigmergy/grid'
import { createReadThrough, createWriteBehind, type ReadThrough, type WriteBehind } from '@stigmergy/grid/keep'
import { createMemoryStore, type Store, type StoreEntry } from '@stigmergy/grid/store'
import { setImmediate as turn } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { finishBy } from './finish.ts'

const test = suite('keys removed while they are read')
const fence = { owner: 'keeper', token: 1 }

interface Cell {
  readonly store: Store
  readonly map: GridMap<number>
  readonly keeper: WriteBehind<number>
  /** Reads the store at once, and answers when it is told to. */
  readonly stored: ReadThrough<number>
  answer(): void
  finish<T>(promise: Promise<T>): Promise<T>
}

/** A wiped grid, whose store has `p`. */
async function wiped(use: (cell: Cell) => Promise<void>): Promise<void> {
  const clock = createVirtualClock()
  const finish = <T>(promise: Promise<T>): Promise<T> => finishBy(clock, promise)
  const store = createMemoryStore()
  const before = await openGrid()
  const first = createWriteBehind(before.map<number>('parts'), { store, fence, clock })
  await first.put('p', 1)
  await finish(first.close())
  await before.close()
  const grid = await openGrid()
  const map = grid.map<number>('parts')
  let answer = (): void => undefined
  const answered = new Promise<void>((resolve) => (answer = resolve))
  const slow: Store = {
    ...store,
    async get(id) {
      const record = await store.get(id)
      await answered
      return record
    },
    async *scan(options) {
      const all: StoreEntry[] = []
      for await (const entry of store.scan(options)) all.push(entry)
      await answered
      yield* all
    },
  }
  const keeper = createWriteBehind(map, { store, fence, clock })
  await use({ store, map, keeper, stored: createReadThrough(map, { store: slow }), answer, finish })
  await finish(keeper.close())
  assert.equal([map.peek('p'), await store.get('parts/p')], [undefined, undefined])
  await grid.close()
}

test('a load that was under way brings nothing back', () =>
  wiped(async ({ store, keeper, stored, answer, finish }) => {
    const loading = stored.get('p')
    await finish(keeper.remove('p'))
    assert.is(await store.get('parts/p'), undefined)
    answer()
    assert.is(await loading, undefined)
    assert.is(stored.stats().refilled, 0)
  }))

test('a refill that was under way brings nothing back', () =>
  wiped(async ({ keeper, stored, answer, finish }) => {
    const filling = stored.refill()
    await turn()
    await finish(keeper.remove('p'))
    answer()
    assert.is(await filling, 0)
  }))

test('what the keeper has stored again of it goes as well', () =>
  wiped(async ({ store, map, keeper, answer, finish }) => {
    let looks = 0
    // The keeper is quicker than the second look.
    const late: Store = {
      ...store,
      async get(id) {
        const before = await store.get(id)
        if (looks++ > 0) {
          await finish(keeper.flush())
          return store.get(id)
        }
        await finish(keeper.remove('p'))
        return before
      },
    }
    answer()
    assert.is(await createReadThrough(map, { store: late }).get('p'), undefined)
  }))

test('what was stored newer in between is what is read', () =>
  wiped(async ({ store, map, keeper, finish }) => {
    let looks = 0
    const late: Store = {
      ...store,
      async get(id) {
        const record = await store.get(id)
        if (looks++ > 0 || record === undefined) return record
        const other = await openGrid()
        const clock = createVirtualClock()
        const newer = createWriteBehind(other.map<number>('parts'), { store, fence, clock })
        await newer.put('p', 2)
        const closed = newer.close()
        while (newer.stats().stored === 0) {
          await turn()
          if (clock.nextAt() !== undefined) await clock.step()
        }
        await closed
        await other.close()
        return record
      },
    }
    assert.is((await createReadThrough(map, { store: late }).get('p'))?.value, 2)
    assert.is(map.peek('p')?.value, 2)
    await finish(keeper.remove('p'))
  }))

test.run()
