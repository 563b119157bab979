import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assign, createMachine, raise } from 'xstate'
import { isCoreError, memoryStore, send, type CoreErrorCode, type Migration, type Store } from '../src/index.ts'
import { pathOf } from '../src/durability/migration.ts'
import { openBench } from './support.ts'

const test = suite('migrations')

const first = createMachine({
  id: 'robot',
  version: '1',
  types: {} as { context: { part: string } },
  context: { part: 'p1' },
  initial: 'idle',
  entry: [raise({ type: 'remind' }, { delay: 1000, id: 'r' }), send('planner', { type: 'hello' })],
  states: { idle: { on: { go: 'busy' } }, busy: {} },
})

const third = createMachine({
  id: 'robot',
  version: '3',
  types: {} as { context: { parts: readonly string[]; reminded: boolean } },
  context: { parts: [], reminded: false },
  initial: 'resting',
  on: { reminder: { actions: assign({ reminded: true }) } },
  states: { resting: {}, working: {} },
})

const migrations: readonly Migration[] = [
  { from: '1', to: '2', state: ({ value, context }) => ({ value: value === 'idle' ? 'resting' : 'working', context }) },
  {
    from: '2',
    to: '3',
    state: ({ value, context }) => ({ value, context: { parts: [(context as { part: string }).part], reminded: false } }),
    event: (event) => (event.type === 'remind' ? { type: 'reminder' } : event),
    sent: () => ({ type: 'greeting' }),
  },
]

async function stored(store: Store): Promise<void> {
  const bench = await openBench({ store })
  const agent = await bench.system.spawn(first, { id: 'x', durability: 'gated' })
  agent.send({ type: 'go' })
  await bench.settle()
  await bench.close()
}

test('state, waiting timers and unsent events of an older version are brought to the present one, step by step', async () => {
  const store = memoryStore()
  await stored(store)
  const bench = await openBench({ store })
  const heard: string[] = []
  await bench.system.spawn(createMachine({ on: { '*': { actions: ({ event }) => heard.push(event.type) } } }), { id: 'planner' })
  const agent = await bench.system.spawn(third, { id: 'x', durability: 'gated', migrations })
  assert.ok(agent.snapshot.matches('working'))
  assert.equal(agent.snapshot.context, { parts: ['p1'], reminded: false })
  await bench.clock.advance(1000)
  assert.ok(agent.snapshot.context.reminded)
  assert.equal(heard, ['greeting'])
  await bench.close()
  const again = await openBench({ store })
  const same = await again.system.spawn(third, { id: 'x', durability: 'gated' })
  assert.ok(same.snapshot.context.reminded, 'it is stored in the present version')
  await again.close()
})

test('without a way, or with one that throws, it is refused and left untouched', async () => {
  const store = memoryStore()
  await stored(store)
  const before = await store.get('x')
  const bench = await openBench({ store })
  const boom = (): never => {
    throw new Error('no such part')
  }
  const refusals: readonly [readonly Migration[], CoreErrorCode, RegExp][] = [
    [[], 'STORE_FOREIGN', /of version "1" of its machine, this one is "3", and no migrations lead there/],
    [migrations.slice(0, 1), 'STORE_FOREIGN', /no migrations lead there/],
    [[{ from: '1', to: '3', state: boom }], 'MIGRATION_FAILED', /agent "x" cannot be brought from version "1" to "3": Error: no such part/],
    [[{ from: '1', to: '3', state: () => 5 as never }], 'MIGRATION_FAILED', /state\(\) must return \{ value, context \}, it returned 5/],
    [[{ from: '1', to: '3', state: (async () => ({ value: 'a', context: {} })) as never }], 'MIGRATION_FAILED', /its value is undefined/],
    [[{ from: '1', to: '3', state: ({ value }) => ({ value }) as never }], 'MIGRATION_FAILED', /it returned no context/],
    [[{ from: '1', to: 3 as never }], 'BAD_OPTION', /migrations\[0\]\.to is 3: give a version/],
  ]
  for (const [steps, code, message] of refusals) {
    try {
      await bench.system.spawn(third, { id: 'x', durability: 'gated', migrations: steps })
      assert.unreachable('it should be refused')
    } catch (error) {
      assert.ok(isCoreError(error, code), String(error))
      assert.match((error as Error).message, message)
    }
  }
  assert.equal(await store.get('x'), before)
  await bench.close()
})

test('the shortest way is taken, and circles end', () => {
  const step = (from: string | undefined, to: string): Migration => ({ from, to })
  const steps = [step(undefined, '1'), step('1', '2'), step('2', '1'), step('2', '3'), step('1', '3')]
  const way = (from: string | undefined, to: string): unknown => pathOf(steps, from, to)?.map((each) => each.to)
  assert.equal(way(undefined, '3'), ['1', '3'])
  assert.equal(way('3', '3'), [])
  assert.is(way('3', '1'), undefined)
  assert.is(way('9', '1'), undefined)
})

test.run()
