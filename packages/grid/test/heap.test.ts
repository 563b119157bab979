import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Heap } from '../src/time/heap.ts'
import { createRandom } from './random.ts'

const test = suite('heap')

test('gives back in order, whatever was pushed, popped and retained between', () => {
  const random = createRandom(7)
  for (let round = 0; round < 50; round++) {
    const heap = new Heap<number>((a, b) => a < b)
    let model: number[] = []
    for (let step = 0; step < 200; step++) {
      const dice = random()
      if (dice < 0.6) {
        const item = Math.floor(random() * 50)
        heap.push(item)
        model.push(item)
      } else if (dice < 0.98) {
        model.sort((a, b) => a - b)
        assert.is(heap.pop(), model.shift())
      } else {
        heap.retain((item) => item % 3 !== 0)
        model = model.filter((item) => item % 3 !== 0)
      }
      assert.is(heap.size, model.length)
      assert.is(heap.peek(), model.length === 0 ? undefined : Math.min(...model))
    }
    heap.clear()
    assert.equal([heap.size, heap.pop()], [0, undefined])
  }
})

test.run()
