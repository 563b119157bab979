import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createMachine, fromPromise, raise, setup, type AnyStateMachine } from 'xstate'
import { checkStore, createSystem, isCoreError, type CoreErrorCode, type Durability, type Migration } from '../src/index.ts'
import { createMemoryStore, type Store } from '@stigmergy/grid/store'
import { createVirtualClock, openGrid } from '@stigmergy/grid'

const test = suite('versions of children')

/** An agent with a child that has a child, each version with other names for its states. */
function family(version: string | undefined, [hand, finger]: readonly [string, string], tick: string): AnyStateMachine {
  const named = version === undefined ? {} : { version }
  const fingers = createMachine({ id: 'finger', ...named, context: { bent: 1 }, initial: finger, states: { [finger]: {} } } as never)
  const hands = setup({ actors: { finger: fingers, busy: fromPromise(() => new Promise(() => {})) } as never }).createMachine({
    ...{ id: 'hand', ...named, context: { kept: 'p1' }, initial: hand },
    entry: raise({ type: tick } as never, { delay: 1000, id: 'tick' }),
    invoke: [
      { src: 'finger', id: 'f' },
      { src: 'busy', id: 'b', onError: {} },
    ],
    states: { [hand]: { on: { [tick]: 'ticked' } }, ticked: {} },
  } as never)
  return setup({ actors: { hand: hands } as never }).createMachine({
    id: 'arm',
    invoke: { src: 'hand', id: 'h' },
  } as never) as unknown as AnyStateMachine
}

const old = family('1', ['open', 'straight'], 'tick')
const next = family('2', ['free', 'bent'], 'tock')
const hand: Migration = {
  machine: 'hand',
  from: '1',
  to: '2',
  state: ({ context }) => ({ value: 'free', context: { ...(context as object), new: true } }),
  event: ({ type }) => (type === 'tick' ? { type: 'tock' } : undefined),
}
const finger: Migration = { machine: 'finger', from: '1', to: '2', state: ({ context }) => ({ value: 'bent', context }) }

async function stored(machine: AnyStateMachine, durability: Durability): Promise<Store> {
  const clock = createVirtualClock()
  const store = createMemoryStore()
  const grid = await openGrid({ clock, id: 'one' })
  const system = createSystem({ grid, store })
  await system.spawn(machine, { id: 'a', durability, timers: 'remaining' })
  await clock.advance(400)
  await system.close()
  await grid.close()
  return store
}

interface Seen {
  readonly value: unknown
  readonly context: unknown
  readonly children: Readonly<Record<string, { getSnapshot(): Seen }>>
}

for (const durability of ['checkpoint', 'gated'] as const) {
  test(`${durability}: the states of children and theirs, and the delayed events for them, are brought to the present version`, async () => {
    const store = await stored(old, durability)
    const clock = createVirtualClock()
    const grid = await openGrid({ clock, id: 'two' })
    for (let again = 0; again < 2; again++) {
      // What was migrated is stored so: the next time no step is needed.
      const system = createSystem({ grid, store })
      const migrations = again === 0 ? [hand, finger] : []
      const agent = await system.spawn(next, { id: 'a', durability, migrations, timers: 'remaining' })
      const h = (agent.snapshot as unknown as Seen).children['h'] as { getSnapshot(): Seen }
      const f = h.getSnapshot().children['f']?.getSnapshot()
      if (again === 0) assert.equal([h.getSnapshot().value, h.getSnapshot().context], ['free', { kept: 'p1', new: true }])
      assert.equal([f?.value, f?.context], ['bent', { bent: 1 }])
      await clock.advance(700)
      assert.is(h.getSnapshot().value, 'ticked', 'the rest of the delay, under its new name')
      await system.close()
    }
    await grid.close()
  })
}

test('where no way leads the agent is refused and left untouched, and the check says which child it is', async () => {
  const store = await stored(old, 'gated')
  const before = (await store.get('a'))?.value
  const grid = await openGrid({ clock: createVirtualClock() })
  const system = createSystem({ grid, store })
  const cases: readonly (readonly [readonly Migration[], CoreErrorCode, string])[] = [
    [[], 'STORE_FOREIGN', 'the state of "h", a child of agent "a", is of version "1" of machine "hand", this one is "2"'],
    [[hand], 'STORE_FOREIGN', 'the state of "h/f", a child of agent "a",'],
    [[{ from: '1', to: '2' }], 'STORE_FOREIGN', 'no migrations with that `machine`'],
    [[{ ...hand, state: () => ({ value: 5, context: {} }) }, finger], 'MIGRATION_FAILED', 'cannot be brought from version "1" to "2"'],
  ]
  for (const [migrations, code, message] of cases) {
    const { failures } = await checkStore(store, [{ machine: next, migrations }])
    const told = failures[0]?.error
    assert.ok(isCoreError(told, code) && told.message.includes(message), message)
    try {
      await system.spawn(next, { id: 'a', durability: 'gated', migrations })
      assert.unreachable()
    } catch (error) {
      assert.ok(isCoreError(error) && error.message.includes(message), String(error))
    }
    assert.equal((await store.get('a'))?.value, before)
  }
  const { checked, failed } = await checkStore(store, [{ machine: next, migrations: [hand, finger] }])
  assert.equal([checked, failed], [1, 0])
  await system.close()
  await grid.close()
})

test('a child without a version may get one, and one that keeps its version needs no step', async () => {
  const store = await stored(family(undefined, ['open', 'straight'], 'tick'), 'checkpoint')
  const first = (step: Migration): Migration => ({ ...step, from: undefined })
  assert.is((await checkStore(store, [{ machine: next, migrations: [first(hand), first(finger)] }])).failed, 0)
  assert.is((await checkStore(store, [{ machine: next }])).failed, 1)
  assert.is((await checkStore(store, [{ machine: family(undefined, ['open', 'straight'], 'tick') }])).failed, 0)
})

test('what a step of a child may say is checked', async () => {
  const grid = await openGrid({ clock: createVirtualClock() })
  const system = createSystem({ grid, store: createMemoryStore() })
  for (const [step, message] of [
    [{ ...hand, machine: '' }, 'migrations[0].machine is ""'],
    [{ ...hand, machine: 5 }, 'migrations[0].machine is 5'],
    [{ ...hand, sent: () => undefined }, 'migrations[0].sent is given for machine "hand"'],
  ] as const) {
    try {
      await system.spawn(next, { id: 'a', durability: 'gated', migrations: [step as Migration] })
      assert.unreachable()
    } catch (error) {
      assert.ok(isCoreError(error, 'BAD_OPTION') && error.message.includes(message), String(error))
    }
  }
  await system.close()
  await grid.close()
})

test.run()
