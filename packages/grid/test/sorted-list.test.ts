import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SortedList, type Place } from '../src/map/sorted-list.ts'
import { createRandom } from './random.ts'

const test = suite('sorted list')

function all(list: SortedList<Place>, low = -Infinity): readonly Place[] {
  return [...list.from(low)]
}

test('random changes keep it as a sorted array is, over many chunks', () => {
  const random = createRandom(7)
  const list = new SortedList<Place>()
  let model: Place[] = []
  const compare = (a: Place, b: Place): number => a.at - b.at || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)
  for (let step = 0; step < 6000; step++) {
    const place = { at: Math.floor(random() * 50), key: `k${Math.floor(random() * 100)}` }
    const known = model.findIndex(({ at, key }) => at === place.at && key === place.key)
    // More is added than deleted at first, and then the other way about, down to nothing.
    if (random() < (step < 4000 ? 0.8 : 0.2)) {
      if (known >= 0) continue
      list.add(place)
      model.push(place)
    } else {
      const gone = random() < 0.7 ? model[Math.floor(random() * model.length)] : place
      if (gone === undefined) continue
      const there = model.some(({ at, key }) => at === gone.at && key === gone.key)
      assert.is(list.delete(gone), there, `step ${step}`)
      model = model.filter(({ at, key }) => at !== gone.at || key !== gone.key)
    }
    if (step % 100 > 0) continue
    model.sort(compare)
    assert.equal(all(list), model, `step ${step}`)
    assert.equal(all(list, 20), model.filter(({ at }) => at >= 20), `step ${step}: from 20 on`) // prettier-ignore
    assert.is(list.size, model.length)
  }
  list.clear()
  assert.equal([all(list), list.size, list.delete({ at: 1, key: 'k1' })], [[], 0, false])
})

test('both infinities have a place', () => {
  const list = new SortedList<Place>()
  for (const at of [Infinity, 0, -Infinity]) list.add({ at, key: 'k' })
  assert.equal(
    all(list).map(({ at }) => at),
    [-Infinity, 0, Infinity],
  )
  assert.is(all(list, Infinity).length, 1)
  assert.ok(list.delete({ at: -Infinity, key: 'k' }))
})

test.run()
