import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assign, createMachine, raise } from 'xstate'
import { isCoreError, memoryStore, type CoreErrorCode, type Store } from '../src/index.ts'
import { add, counter, openBench } from './support.ts'

const test = suite('a store that hangs')

/** A store of which some methods never answer. */
function hanging(): { readonly store: Store; readonly hang: { get: boolean; commit: boolean } } {
  const inner = memoryStore()
  const hang = { get: false, commit: false }
  const never = (): Promise<never> => new Promise(() => undefined)
  return {
    hang,
    store: {
      ...inner,
      get: (id) => (hang.get ? never() : inner.get(id)),
      commit: (...args) => (hang.commit ? never() : inner.commit(...args)),
    },
  }
}

async function codeOf(promise: Promise<unknown>): Promise<CoreErrorCode | undefined> {
  try {
    await promise
    return undefined
  } catch (error) {
    return isCoreError(error) ? error.code : undefined
  }
}

test('spawn, checkpoint and stop end at the deadline of the store (I8)', async () => {
  const { store, hang } = hanging()
  const bench = await openBench({ store, storeTimeoutMs: 500 })
  for (const what of ['get', 'commit'] as const) {
    hang[what] = true
    const spawning = codeOf(bench.system.spawn(counter, { id: what, durability: 'checkpoint' }))
    await bench.clock.advance(500)
    assert.is(await spawning, 'STORE_TIMEOUT', what)
    hang[what] = false
  }
  const agent = await bench.system.spawn(counter, { id: 'c', durability: 'checkpoint', checkpoint: { transitions: 100, ms: 1e6 } })
  agent.send(add(1))
  await bench.settle()
  hang.commit = true
  const storing = codeOf(agent.checkpoint())
  await bench.clock.advance(500)
  assert.is(await storing, 'STORE_TIMEOUT')
  const stopping = codeOf(agent.stop())
  await bench.clock.advance(500)
  assert.is(await stopping, 'STORE_TIMEOUT')
  hang.commit = false
  await bench.system.close().catch(() => undefined)
  await bench.grid.close()
  assert.is(bench.clock.pending, 0)
})

test('an id is used again at once: the next one begins when the last state of the one before is stored', async () => {
  const inner = memoryStore()
  const waiting: (() => void)[] = []
  let slow = false
  const store: Store = {
    ...inner,
    async commit(...args) {
      if (slow) await new Promise<void>((resolve) => waiting.push(resolve))
      return inner.commit(...args)
    },
  }
  const bench = await openBench({ store })
  const late = { id: 'c', durability: 'checkpoint', checkpoint: { transitions: 100, ms: 1e6 } } as const
  const first = await bench.system.spawn(counter, late)
  first.send(add(3))
  await bench.settle()
  slow = true
  const stopping = first.stop()
  await bench.settle()
  const spawning = bench.system.spawn(counter, late)
  await bench.settle()
  slow = false
  for (const go of waiting) go()
  await stopping
  const second = await spawning
  assert.equal([second.snapshot.context.sum, second.status], [3, 'running'])
  await bench.close()
})

test('a delayed event without an id of its own does not take the place of a restored one', async () => {
  const store = memoryStore()
  const machine = createMachine({
    id: 'm',
    types: {} as { context: { heard: readonly string[] } },
    context: { heard: [] },
    on: {
      arm: { actions: raise({ type: 'first' }, { delay: 100 }) },
      again: { actions: raise({ type: 'second' }, { delay: 100 }) },
      first: { actions: assign({ heard: ({ context }) => [...context.heard, 'first'] }) },
      second: { actions: assign({ heard: ({ context }) => [...context.heard, 'second'] }) },
    },
  })
  const before = await openBench({ store })
  const agent = await before.system.spawn(machine, { id: 'm', durability: 'checkpoint' })
  agent.send({ type: 'arm' })
  await before.settle()
  await before.close()
  const bench = await openBench({ store })
  const restored = await bench.system.spawn(machine, { id: 'm', durability: 'checkpoint' })
  restored.send({ type: 'again' })
  await bench.clock.advance(100)
  assert.equal(restored.snapshot.context.heard, ['first', 'second'])
  await bench.close()
})

test.run()
