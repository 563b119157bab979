import { openDurable } from '@stigmergy/grid/durable'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { quickPlace } from './places.ts'

const test = suite('many writes that share an id, while another one writes there too')
const ours = { owner: 'a', token: 1 }
const value = Buffer.from('v')

test('all are committed, in order, and what shares nothing with them is as well', async () => {
  const place = await quickPlace()
  try {
    await using other = await openDurable({ path: place.path })
    await using durable = await openDurable({ path: place.path })
    const { store } = durable
    await store.commit('first', 0, ours, value)
    for (let round = 0; round < 3; round++) {
      // Whoever finds that others write there looks at each row's version for a while.
      await Promise.all([other, durable].map((each, at) => each.store.commit(`met-${at}`, round, ours, value)))
      const writes = Array.from({ length: 40 }, (_, at) => {
        const own = Array.from({ length: 150 }, (__, of) => ({ id: `${round}-${at}-${of}`, expectedRev: 0, fence: ours, value }))
        return store.commitAll([{ id: 'shared', expectedRev: round * 40 + at, fence: ours, value }, ...own])
      })
      const alone = store.commit('alone', round, ours, value)
      assert.equal(
        (await Promise.all(writes)).map(([rev]) => rev),
        Array.from({ length: 40 }, (_, at) => round * 40 + at + 1),
      )
      assert.is(await alone, round + 1)
    }
    assert.is((await other.store.get('2-39-149'))?.rev, 1)
  } finally {
    await place.done()
  }
})

test.run()
