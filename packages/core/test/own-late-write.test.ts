import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { memoryStore, type CoreHooks, type Store } from '../src/index.ts'
import { slowStore } from './slow-store.ts'
import { add, counter, openBench } from './support.ts'

/** Writes that were given up and arrive all the same, and those of others that look like them. */
const test = suite('own late write')

const DURABILITIES = ['checkpoint', 'gated'] as const

function failures(): { readonly failed: string[]; readonly hooks: CoreHooks } {
  const failed: string[] = []
  return { failed, hooks: { onFailure: ({ error }) => void failed.push(String((error as { code?: unknown }).code)) } }
}

test('a write that was given up and arrives between the next question and the next write ends nobody', async () => {
  for (const durability of DURABILITIES) {
    const [inner, { failed, hooks }] = [memoryStore(), failures()]
    const store = slowStore(inner)
    const bench = await openBench({ store, hooks, storeTimeoutMs: 1000 })
    const agent = await bench.system.spawn(counter, { id: 'x', durability })
    for (let round = 1; round <= 3; round++) {
      store.hold()
      agent.send(add(1))
      // Given up after a second; after a pause the store is asked, and written to again.
      await bench.clock.advance(1100)
      assert.is(store.waiting, 2, `${durability}, round ${round}`)
      store.flow()
      await bench.settle()
      assert.equal([agent.status, failed], ['running', []], durability)
    }
    await agent.stop()
    const next = await bench.system.spawn(counter, { id: 'x', durability })
    assert.is(next.snapshot.context.sum, 3)
    await bench.close()
  }
})

test('an agent that stops stores its last state over a late write of its own', async () => {
  const inner = memoryStore()
  const store = slowStore(inner)
  const bench = await openBench({ store, storeTimeoutMs: 1000 })
  const agent = await bench.system.spawn(counter, { id: 'x', durability: 'checkpoint', checkpoint: { transitions: 1, ms: 10 } })
  store.hold()
  agent.send(add(1))
  await bench.clock.advance(1050)
  agent.send(add(1))
  const stopping = agent.stop()
  await bench.settle()
  assert.is(store.waiting, 2)
  store.flow()
  await stopping
  const next = await bench.system.spawn(counter, { id: 'x', durability: 'checkpoint' })
  assert.is(next.snapshot.context.sum, 2)
  await bench.close()
})

test('a conflict that is not of its own making ends it, also when it was unsure', async () => {
  for (const unsure of [false, true]) {
    const inner = memoryStore()
    const { failed, hooks } = failures()
    let refuse: string | undefined
    const store: Store = {
      ...inner,
      commit: async (...args) => {
        if (refuse === undefined) return inner.commit(...args)
        throw Object.assign(new Error(refuse), { code: refuse })
      },
    }
    const bench = await openBench({ store, hooks })
    const agent = await bench.system.spawn(counter, { id: 'x', durability: 'checkpoint', checkpoint: { transitions: 1, ms: 10 } })
    refuse = unsure ? 'BLIP' : 'STORE_CONFLICT'
    agent.send(add(1))
    await bench.settle()
    refuse = 'STORE_CONFLICT'
    await bench.clock.advance(1000)
    assert.equal([agent.status, failed], ['failed', ['STORE_CONFLICT']], String(unsure))
    refuse = undefined
    await bench.close()
  }
})

test('two systems on one grid are two owners: one whose spawn failed does not wipe the state of the other (I1)', async () => {
  const inner = memoryStore()
  let fails = true
  const blinking: Store = {
    ...inner,
    commit: async (...args) => {
      if (!fails) return inner.commit(...args)
      fails = false
      throw new Error('blip')
    },
  }
  for (const durability of DURABILITIES) {
    const one = await openBench({ store: blinking })
    const two = await openBench({ store: inner })
    assert.is(one.grid.id, two.grid.id)
    fails = true
    const options = { id: durability, durability }
    const [first, second] = await Promise.allSettled([one.system.spawn(counter, options), two.system.spawn(counter, options)])
    if (second.status === 'rejected') throw second.reason
    assert.is(first.status, 'rejected')
    await one.settle()
    second.value.send(add(5))
    await two.settle()
    await second.value.checkpoint()
    assert.equal([second.value.status, second.value.snapshot.context.sum], ['running', 5])
    await two.close()
    const again = await one.system.spawn(counter, options)
    assert.is(again.snapshot.context.sum, 5)
    await one.close()
  }
})

test.run()
