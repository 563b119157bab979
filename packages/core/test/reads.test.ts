import { createMemoryStore, StoreError, type Store as FullStore, type StoreRecord } from '@stigmergy/grid/store'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assign, createMachine } from 'xstate'
import { isCoreError } from '../src/index.ts'
import { openBench } from './support.ts'

/** How agents that are spawned together are read from their store. */
const test = suite('reads')

const machine = createMachine({
  id: 'm',
  types: {} as { context: { n: number }; events: { type: 'up' } },
  context: { n: 0 },
  initial: 'idle',
  states: { idle: { on: { up: { actions: assign({ n: ({ context }) => context.n + 1 }) } } } },
})
const ids = (count: number): readonly string[] => Array.from({ length: count }, (_, at) => `a${at}`)

/** A store that writes down which ids are asked for together; `instead` may answer for it. */
function noting(instead: { all?: () => Promise<never>; one?: (id: string) => Promise<never> | undefined } = {}) {
  const inner = createMemoryStore()
  const asked: (readonly string[])[] = []
  const store: FullStore = {
    ...inner,
    get(id) {
      asked.push([id])
      return instead.one?.(id) ?? inner.get(id)
    },
    getAll(all) {
      asked.push(all)
      return instead.all?.() ?? (inner.getAll as NonNullable<FullStore['getAll']>)(all)
    },
  }
  return { store, asked, instead }
}

/** Agents that have handled one event, stored. */
async function filled(store: FullStore, count: number): Promise<void> {
  const bench = await openBench({ store })
  const agents = await Promise.all(ids(count).map((id) => bench.system.spawn(machine, { id, durability: 'checkpoint' })))
  for (const agent of agents) agent.send({ type: 'up' })
  await bench.close()
}

const spawned = (bench: Awaited<ReturnType<typeof openBench>>, count: number) =>
  Promise.allSettled(ids(count).map((id) => bench.system.spawn(machine, { id, durability: 'checkpoint' })))
const codesOf = (settled: readonly PromiseSettledResult<unknown>[]) =>
  settled.map((each) => (each.status === 'fulfilled' ? 'here' : (each.reason as { readonly code?: unknown }).code))

test('agents spawned in one moment are read together, and come back each with its own state', async () => {
  const { store, asked } = noting()
  await filled(store, 450)
  asked.length = 0
  const bench = await openBench({ store })
  const agents = await Promise.all(ids(450).map((id) => bench.system.spawn(machine, { id, durability: 'checkpoint' })))
  assert.equal(
    asked.map(({ length }) => length),
    [200, 200, 50],
  )
  assert.ok(agents.every(({ asleep }) => asleep))
  agents[7]?.send({ type: 'up' })
  await bench.settle()
  assert.equal(
    agents.map(({ snapshot, id }) => [id, snapshot.context.n]),
    ids(450).map((id, at) => [id, at === 7 ? 2 : 1]),
  )
  asked.length = 0
  await bench.system.spawn(machine, { id: 'alone', durability: 'checkpoint' })
  assert.equal(asked, [['alone']])
  await bench.close()
})

test('what cannot be read touches no other: neither bytes that are broken, nor a row that the store cannot give', async () => {
  const broken = new StoreError('STORE_BROKEN', 'a row is damaged')
  const { store, instead } = noting()
  await filled(store, 5)
  const damage = async (id: string, how: (value: Uint8Array) => Uint8Array): Promise<void> => {
    const { rev, value } = (await store.get(id)) as StoreRecord
    await store.commit(id, rev, { owner: 'x', token: 9 }, how(value))
  }
  // Cut off, and a context that ends in the middle of a number.
  await damage('a1', (value) => value.subarray(0, -1))
  await damage('a2', (value) => Uint8Array.of(...value.subarray(0, -1), 0xcb))
  instead.all = () => Promise.reject(broken)
  instead.one = (id) => (id === 'a3' ? Promise.reject(broken) : undefined)
  const bench = await openBench({ store })
  assert.equal(codesOf(await spawned(bench, 6)), ['here', 'STORE_BROKEN', 'STORE_BROKEN', 'STORE_BROKEN', 'here', 'here'])
  assert.equal([...bench.system.agents].sort(), ['a0', 'a4', 'a5'])
  await bench.close()
})

test('a store that hangs is not waited for beyond the deadline, nor a system that is closed meanwhile (I8)', async () => {
  const { store } = noting({ all: () => new Promise(() => undefined) })
  const bench = await openBench({ store, storeTimeoutMs: 500 })
  const late = spawned(bench, 3)
  await bench.clock.advance(500)
  assert.equal(codesOf(await late), ['STORE_TIMEOUT', 'STORE_TIMEOUT', 'STORE_TIMEOUT'])
  const open = spawned(bench, 3)
  await bench.settle()
  await bench.close()
  assert.equal(codesOf(await open), ['AGENT_STOPPED', 'AGENT_STOPPED', 'AGENT_STOPPED'])
  const closed = await spawned(bench, 1)
  assert.ok(closed[0]?.status === 'rejected' && isCoreError(closed[0].reason, 'CLOSED'))
})

test('a batch that fails for all is told once to each, and none is asked for again', async () => {
  const gone = new StoreError('CLOSED', 'the store is closed')
  const { store, asked } = noting({ all: () => Promise.reject(gone) })
  const bench = await openBench({ store })
  assert.equal(codesOf(await spawned(bench, 3)), ['CLOSED', 'CLOSED', 'CLOSED'])
  assert.equal(asked, [['a0', 'a1', 'a2']])
  await bench.close()
})

test.run()
