import { openGrid } from '@stigmergy/grid'
import { createReadThrough, createWriteBehind } from '@stigmergy/grid/keep'
import { createMemoryStore } from '@stigmergy/grid/store'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('where kept maps stand in a store')
const fence = { owner: 'keeper', token: 1 }

test('maps with any names share no record', async () => {
  const grid = await openGrid()
  const store = createMemoryStore()
  const names = ['p', 'p/q', 'p%2Fq', 'p%252Fq']
  for (const name of names) {
    const map = grid.map<string>(name)
    for (const key of ['k', 'q/k']) await map.put(key, `${key} of ${name}`)
    await createWriteBehind(map, { store, fence, flushMs: 1 }).close()
  }
  await grid.close()
  const wiped = await openGrid()
  for (const name of names) {
    const map = wiped.map<string>(name)
    assert.is(await createReadThrough(map, { store }).refill(), 2, name)
    assert.equal([map.peek('k')?.value, map.peek('q/k')?.value], [`k of ${name}`, `q/k of ${name}`])
  }
  await wiped.close()
})

test.run()
