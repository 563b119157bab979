import type { VirtualClock } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assign, createMachine } from 'xstate'
import { createRecordCodec } from '../src/durability/record-codec.ts'
import { memoryStore, type Store } from '../src/index.ts'
import { createRandom, type Random } from '../src/testing/random.ts'
import { openBench, type Bench } from './support.ts'

const test = suite('several commits of an agent under way')

interface Asked {
  /** The number that the state counts to. */
  readonly n: number
  /** The store takes it, and says so. */
  take(): Promise<void>
  answer(error?: Error): Promise<void>
}

/** A store that takes commits when the test says so, and answers when it says so. */
function handStore(inner: Store = memoryStore()): Store & { readonly asked: Asked[]; flow: boolean } {
  const codec = createRecordCodec()
  const store = {
    ...inner,
    asked: [] as Asked[],
    flow: true,
    commit(...args: Parameters<Store['commit']>): Promise<number> {
      if (store.flow) return inner.commit(...args)
      return new Promise((resolve, reject) => {
        const [id, , , value] = args
        let outcome: Promise<number> | undefined
        store.asked.push({
          n: (codec.read(value, id).snapshot.context as { readonly n: number }).n,
          async take() {
            outcome = inner.commit(...args)
            await outcome.catch(() => undefined)
          },
          async answer(error) {
            if (error !== undefined) reject(error)
            else if (outcome !== undefined) resolve(outcome)
          },
        })
      })
    },
  }
  return store
}

function counter(left: number[]) {
  return createMachine({
    types: {} as { context: { n: number }; events: { type: 'up' } },
    context: { n: 0 },
    on: { up: { actions: [assign({ n: ({ context }) => context.n + 1 }), ({ context }) => left.push(context.n)] } },
  })
}

const upTo = (n: number): readonly number[] => Array.from({ length: n }, (_, at) => at + 1)

async function threeUnderWay(store: Store & { flow: boolean }, left: number[]) {
  const bench = await openBench({ store })
  const gate = { maxTransitions: 2, maxCommits: 4 }
  const agent = await bench.system.spawn(counter(left), { id: 'x', durability: 'gated', gate })
  store.flow = false
  for (let i = 0; i < 6; i++) agent.send({ type: 'up' })
  await bench.settle()
  return { bench, agent }
}

async function finished(bench: Bench, store: Store & { flow: boolean }, left: readonly number[], all = 6): Promise<void> {
  store.flow = true
  await bench.clock.advance(60_000)
  assert.equal(left, upTo(all))
  assert.is((await store.get('x'))?.fence.token, 1)
  await bench.close()
}

test('each lets go what it has, in order, when it is stored', async () => {
  const store = handStore()
  const left: number[] = []
  const { bench } = await threeUnderWay(store, left)
  assert.equal(store.asked.map(({ n }) => n), [2, 4, 6]) // prettier-ignore
  for (const [at, asked] of store.asked.entries()) {
    await asked.take()
    await bench.settle()
    assert.equal(left, upTo(at * 2), 'stored, but nobody has said so')
    await asked.answer()
    await bench.settle()
    assert.equal(left, upTo(at * 2 + 2))
  }
  await finished(bench, store, left)
})

test('what is said of a later one holds for those before it', async () => {
  const store = handStore()
  const left: number[] = []
  const { bench } = await threeUnderWay(store, left)
  const [first, second, third] = store.asked as [Asked, Asked, Asked]
  await first.take()
  await second.take()
  await first.answer(new Error('the line is cut'))
  await third.answer(new Error('disk full'))
  await bench.settle()
  assert.equal(left, [], 'the second may be stored, and the first with it')
  await second.answer()
  await bench.settle()
  assert.equal(left, upTo(4))
  await finished(bench, store, left)
})

test('where one is not taken, those made upon it are not, and the newest state is tried again', async () => {
  const store = handStore()
  const left: number[] = []
  const { bench, agent } = await threeUnderWay(store, left)
  const [first, second, third] = store.asked as [Asked, Asked, Asked]
  await third.take()
  await third.answer()
  await second.take()
  await second.answer()
  await bench.settle()
  assert.is(agent.status, 'running', 'that the others were refused follows from the first')
  for (let i = 0; i < 2; i++) agent.send({ type: 'up' })
  await bench.settle()
  assert.is(store.asked.length, 3, 'one more would be refused as well')
  await first.answer(new Error('disk full'))
  store.asked.length = 0
  await bench.clock.advance(100)
  assert.equal([left, store.asked.map(({ n }) => n)], [[], [8]]) // prettier-ignore
  for (let i = 0; i < 2; i++) agent.send({ type: 'up' })
  await bench.settle()
  assert.is(store.asked.length, 1, 'nobody knows yet upon which revision it would be')
  await store.asked[0]?.take()
  await store.asked[0]?.answer()
  await finished(bench, store, left, 10)
})

test('another activation took over in the midst of them: what was stored before leaves, nothing else', async () => {
  const inner = memoryStore()
  const store = handStore(inner)
  const left: number[] = []
  const { bench, agent } = await threeUnderWay(store, left)
  const [first, second, third] = store.asked as [Asked, Asked, Asked]
  await first.take()
  await inner.commit('x', (await inner.get('x'))?.rev ?? 0, { owner: 'elsewhere', token: 9 }, new Uint8Array(1))
  for (const asked of [second, third]) await asked.take()
  for (const asked of [third, second, first]) await asked.answer()
  await bench.clock.advance(60_000)
  assert.equal([left, agent.status], [upTo(2), 'failed'])
  await bench.close()
})

test('to a store that does not say it takes them in order there is one at a time', async () => {
  const { ordered, ...inner } = memoryStore()
  assert.is(ordered, true)
  const store = handStore(inner)
  const left: number[] = []
  const { bench, agent } = await threeUnderWay(store, left)
  assert.equal([store.asked.map(({ n }) => n), agent.snapshot.context.n], [[2], 4])
  for (const asked of store.asked) await asked.take().then(() => asked.answer())
  await finished(bench, store, left)
})

/** Takes commits in order, some not at all; answers as it likes, or never. */
function moodyStore(inner: Store, clock: VirtualClock, random: Random, taken: (value: Uint8Array) => void): Store {
  let arrivesAtMs = 0
  const later = (ms: number, fn: () => void): void => void clock.setTimeout(fn, ms)
  return {
    ...inner,
    commit: (...args) =>
      new Promise((resolve, reject) => {
        arrivesAtMs = Math.max(arrivesAtMs, clock.now() + random.integer(0, 5))
        const fate = random.pick(['well', 'well', 'well', 'well', 'well', 'well', 'refused', 'unheard', 'silent'] as const)
        later(arrivesAtMs - clock.now(), () => {
          if (fate === 'refused') return later(random.integer(0, 9), () => reject(new Error('disk full')))
          inner.commit(...args).then(
            (rev) => {
              taken(args[3])
              if (fate === 'unheard') later(random.integer(0, 9), () => reject(new Error('the line is cut')))
              else if (fate === 'well') later(random.integer(0, 9), () => resolve(rev))
            },
            (error: unknown) => later(random.integer(0, 9), () => reject(error)),
          )
        })
      }),
  }
}

test('whatever the store does, what leaves is stored, and leaves once and in order; a kill loses nothing that has left', async () => {
  const codec = createRecordCodec()
  for (let seed = 1; seed <= 30; seed++) {
    const random = createRandom(seed)
    const inner = memoryStore()
    const left: number[] = []
    let stored = 0
    const taken = (value: Uint8Array): void => {
      stored = (codec.read(value, 'x').snapshot.context as { readonly n: number }).n
    }
    let proxy: Store = inner
    const bench = await openBench({ store: { ...inner, commit: (...args) => proxy.commit(...args) }, storeTimeoutMs: 50 })
    const machine = createMachine({
      types: {} as { context: { n: number }; events: { type: 'up' } },
      context: { n: 0 },
      on: {
        up: {
          actions: [
            assign({ n: ({ context }) => context.n + 1 }),
            ({ context }) => {
              assert.ok(context.n <= stored, `seed ${seed}: ${context.n} left when ${stored} was stored`)
              left.push(context.n)
            },
          ],
        },
      },
    })
    const gate = { maxTransitions: random.integer(1, 4), maxCommits: random.integer(1, 6) }
    const agent = await bench.system.spawn(machine, { id: 'x', durability: 'gated', gate })
    proxy = moodyStore(inner, bench.clock, random, taken)
    let sent = 0
    for (let round = 0; round < 12; round++) {
      for (let i = random.integer(0, 20); i > 0; i--, sent++) agent.send({ type: 'up' })
      await bench.clock.advance(random.integer(0, 60))
    }
    // As it stands now it may be killed: what has left must be there for whoever comes after it.
    assert.ok((left.at(-1) ?? 0) <= stored, `seed ${seed}`)
    await bench.clock.advance(120_000)
    assert.equal([left, agent.status], [upTo(sent), 'running'], `seed ${seed}`)
    proxy = inner
    await bench.close()
  }
})

test.run()
