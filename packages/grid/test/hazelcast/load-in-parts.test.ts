import { embedded, isGridError, openGrid, type DriverFeed, type DriverRecord, type GridBackend } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { loadInParts } from '../../src/hazelcast/load-in-parts.ts'

const test = suite('hazelcast: a first load in parts')

const recordOf = (n: number): DriverRecord => ({ key: `k${n}`, version: n + 1, bytes: Buffer.alloc(1), atMs: 0 })
const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n)

test('each part is given in a turn of its own, and the rest by the load that ends it', async () => {
  let [turns, ended] = [0, false]
  const told: { readonly what: string; readonly keys: string[]; readonly turns: number }[] = []
  const tell = (what: string) => (records: Iterable<DriverRecord>) =>
    void told.push({ what, keys: Array.from(records, ({ key }) => key), turns })
  const feed: DriverFeed = { change: () => {}, patch: () => {}, loading: tell('loading'), load: tell('load') }
  const count = (): void => {
    turns++
    if (!ended) setImmediate(count)
  }
  setImmediate(count)
  await loadInParts(feed, numbers(1100), (n) => (n % 2 === 0 ? recordOf(n) : undefined))
  ended = true
  assert.equal(
    told.map(({ what, keys }) => `${what} ${keys.length}`),
    ['loading 125', 'loading 125', 'loading 125', 'loading 125', 'load 50'],
  )
  for (let at = 1; at < told.length; at++) assert.ok((told[at]?.turns ?? 0) > (told[at - 1]?.turns ?? 0), 'the loop went on between them')
  const keys = told.flatMap((part) => part.keys)
  assert.equal(keys.toSorted(), Array.from(numbers(550), (n) => `k${2 * n}`).toSorted())
})

test('a feed that takes no parts is given all at once', async () => {
  const told: number[] = []
  await loadInParts({ change: () => {}, patch: () => {}, load: (records) => told.push([...records].length) }, numbers(600), recordOf)
  assert.equal(told, [600])
})

test('a copy that is loaded in parts shows them, asks its owner for what it has not got, and knows to the end what cannot be read', async () => {
  const stored: DriverRecord[] = []
  let feed: DriverFeed | undefined
  const asked: string[] = []
  const backend: GridBackend = {
    name: 'in parts',
    async open(context) {
      const driver = await embedded().open(context)
      return {
        ...driver,
        openMap(name, given) {
          feed = given
          const map = driver.openMap(name, { load: () => {}, patch: () => {}, change: (change) => stored.push(change) })
          return { ...map, read: async (key) => (asked.push(key), stored.find((record) => record.key === key)) }
        },
      }
    },
  }
  await using grid = await openGrid(backend)
  const map = grid.map<number>('m')
  await map.putAll([['a', 1], ['b', 2]]) // prettier-ignore
  const [a, b] = stored as [DriverRecord, DriverRecord]
  const damaged = { key: 'damaged', version: 9, bytes: Buffer.alloc(3), atMs: 0 }
  feed?.loading?.([a, damaged])
  assert.equal([map.peek('a')?.value, map.peek('b')], [1, undefined])
  assert.equal([(await map.get('b'))?.value, asked], [2, ['b']])
  feed?.load([b])
  assert.equal([map.peek('b')?.value, await map.get('none'), asked], [2, undefined, ['b']])
  try {
    map.peek('damaged')
    assert.unreachable()
  } catch (error) {
    assert.ok(isGridError(error, 'BAD_ENVELOPE'), String(error))
  }
})

test.run()
