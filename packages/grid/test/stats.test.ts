import { createVirtualClock, openGrid } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { HotKeys } from '../src/map/hot-keys.ts'
import { createRandom } from './random.ts'

const test = suite('stats')

test('the most read keys come first, with about their number of reads', async () => {
  const grid = await openGrid({ clock: createVirtualClock() })
  const map = grid.map<number>('m')
  const keys = Array.from({ length: 1000 }, (_, n) => `k${n}`)
  await map.putAll(keys.map((key) => [key, 1]))
  const random = createRandom(3)
  for (let n = 0; n < 400_000; n++) map.peek(random() < 0.4 ? 'k7' : random() < 0.5 ? 'k8' : `k${Math.floor(random() * 1000)}`)
  const [stats] = grid.stats().maps
  const [first, second] = stats?.hotKeys ?? []
  assert.equal([first?.key, second?.key], ['k7', 'k8'])
  assert.ok(Math.abs((first?.reads ?? 0) - 160_000) < 40_000, `${first?.reads}`)
  assert.equal([stats?.name, stats?.entries, stats?.reads], ['m', 1000, 400_000])
  assert.ok((stats?.hotKeys.length ?? 99) <= 10)
  await grid.close()
})

test('a loop over as many keys as are between two samples does not always show the same', () => {
  const hot = new HotKeys()
  const seen = new Set<number>()
  let stride = 1
  for (let n = 0; n < 200; n++) seen.add((stride = hot.sample('k', stride)))
  assert.ok(seen.size > 100, `${seen.size} distances`)
  for (const one of seen) assert.ok(one >= 512 && one < 1536)
})

test('a newcomer takes over the count of the rarest', () => {
  const hot = new HotKeys(2)
  for (const key of ['a', 'a', 'b', 'c']) hot.sample(key, 1)
  const expected = ['a', 'c'].map((key) => ({ key, reads: 2 }))
  assert.equal(hot.top(), expected)
})

test('the table is bounded, and a key that is read often stays in it', () => {
  const hot = new HotKeys(8)
  for (let n = 0; n < 5000; n++) hot.sample(n % 3 === 0 ? 'hot' : `cold${n}`, 1)
  assert.is(hot.top()[0]?.key, 'hot')
  assert.ok((hot.top()[0]?.reads ?? 0) >= 1667, 'never too low')
  assert.ok(hot.top().length <= 8)
})

test.run()
