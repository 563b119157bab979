import { isGridError, openGrid, type MapOptions } from '@stigmergy/grid'
import { createReadThrough, createWriteBehind } from '@stigmergy/grid/keep'
import { createMemoryStore } from '@stigmergy/grid/store'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('maps that are held in part, and a store')

interface Part {
  readonly active: boolean
}

const parts: readonly MapOptions<Part>[] = [
  { interest: { where: ({ value }) => value.active } },
  { interest: { prefix: 'x' } },
  { maxEntries: 10 },
]

test('of a map that holds nothing, neither can be made', async () => {
  const grid = await openGrid()
  const map = grid.map<Part>('p', { interest: 'none' })
  const store = createMemoryStore()
  for (const make of [
    () => createWriteBehind(map, { store, fence: { owner: 'keeper', token: 1 } }),
    () => createReadThrough(map, { store }),
  ]) {
    assert.throws(make, (error: Error) => isGridError(error, 'UNSUPPORTED') && error.message.includes('interest'))
  }
  await grid.close()
})

for (const [at, options] of parts.entries()) {
  test(`a keeper refuses ${Object.keys(options.interest ?? options).join()}; a read-through does not`, async () => {
    const grid = await openGrid()
    const whole = await openGrid()
    const store = createMemoryStore()
    await whole.map<Part>('p').put('x1', { active: true })
    const fence = { owner: 'keeper', token: 1 }
    await createWriteBehind(whole.map<Part>('p'), { store, fence, flushMs: 1 }).close()
    const map = grid.map<Part>('p', options)
    assert.throws(
      () => createWriteBehind(map, { store, fence }),
      (error: Error) =>
        isGridError(error, 'UNSUPPORTED') && error.message.includes(at < 2 ? 'map "p" is held in part (interest): a keeper' : 'maxEntries'),
    )
    assert.equal((await createReadThrough(map, { store }).get('x1'))?.value, { active: true })
    await grid.close()
    await whole.close()
  })
}

test.run()
