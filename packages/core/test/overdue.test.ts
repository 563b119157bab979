import { assign, createMachine, raise, setup, type AnyStateMachine } from 'xstate'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createVirtualClock, openGrid } from '@stigmergy/grid'
import { createSystem, memoryStore, type ActorSystem, type Migration } from '../src/index.ts'

const test = suite('timers that are overdue')

const boom = assign(() => {
  throw new Error('boom')
})
const states = { timedOut: {}, warned: {} }
const on = { boom: { actions: boom } }
const kid = setup({ delays: { short: 50 } }).createMachine({ initial: 'a', states: { a: { after: { short: 'z' } }, z: { type: 'final' } } })

/** Each is due to be `warned` after 50 ms, and would be `timedOut` after 100. */
const machines: Readonly<Record<string, AnyStateMachine>> = {
  after: setup({ delays: { long: 100, short: 50 } }).createMachine({
    ...{ id: 'm', on, initial: 'a' },
    states: { a: { after: { long: 'timedOut', short: 'warned' } }, ...states },
  } as never) as unknown as AnyStateMachine,
  'its own delayed events': createMachine({
    ...{ id: 'm', on, initial: 'a' },
    states: {
      a: {
        entry: [raise({ type: 'long' }, { delay: 100 }), raise({ type: 'short' }, { delay: 50 })],
        on: { long: 'timedOut', short: 'warned' },
      },
      ...states,
    },
  } as never) as unknown as AnyStateMachine,
  'a child and its parent': setup({ actors: { kid } }).createMachine({
    ...{ id: 'm', on, initial: 'a' },
    states: { a: { invoke: { src: 'kid', onDone: 'warned' }, after: { 100: 'timedOut' } }, ...states },
  } as never) as unknown as AnyStateMachine,
}

for (const [what, machine] of Object.entries(machines)) {
  test(`${what}: those that are overdue come in the order in which they were due`, async () => {
    const clock = createVirtualClock()
    const grid = await openGrid({ clock, id: 'g' })
    const store = memoryStore()
    const open = (): ActorSystem =>
      createSystem({ grid, store, random: () => 0, wallNow: () => clock.now(), supervision: { backoff: { minMs: 500 } } })
    const options = { id: 'a', durability: 'checkpoint', timers: 'due' } as const
    for (const how of ['a new process', 'a restart']) {
      let system = open()
      let agent = await system.spawn(machine, options)
      await clock.advance(10)
      if (how === 'a restart') agent.send({ type: 'boom' })
      else {
        await system.close()
        await clock.advance(1000)
        system = open()
        agent = await system.spawn(machine, options)
      }
      await clock.advance(1000)
      assert.is(agent.snapshot.value, 'warned', how)
      await agent.stop()
      await system.close()
      await store.commit('a', (await store.get('a'))?.rev as number, (await store.get('a'))?.fence as never, new Uint8Array(0))
    }
    await grid.close()
  })
}

test('two that are due at one moment come in the order in which they were armed', async () => {
  const clock = createVirtualClock()
  const grid = await openGrid({ clock, id: 'g' })
  const system = createSystem({ grid, random: () => 0, wallNow: () => clock.now(), supervision: { backoff: { minMs: 1 } } })
  const machine = createMachine({
    initial: 'a',
    states: {
      a: {
        entry: raise({ type: 'short' }, { delay: 8 }),
        initial: 'b',
        states: { b: { after: { 8: '#late' } } },
        on: { short: 'warned' },
      },
      ...states,
      late: { id: 'late' },
    },
    on: { boom: { actions: boom } },
  } as never)
  const agent = await system.spawn(machine, { durability: 'checkpoint', timers: 'due' } as never)
  await clock.advance(1)
  agent.send({ type: 'boom' } as never)
  await clock.advance(100)
  assert.equal([agent.restarts, (agent.snapshot as { value: unknown }).value], [1, 'warned'])
  await system.close()
  await grid.close()
})

test('an after that has fired in a state that is gone is none of the state an agent is migrated into', async () => {
  const clock = createVirtualClock()
  const grid = await openGrid({ clock, id: 'g' })
  const store = memoryStore()
  const beep = assign({ beeps: ({ context }: { context: { beeps: number } }) => context.beeps + 1 })
  const old = createMachine({
    id: 'm',
    version: '1',
    context: { beeps: 0 },
    initial: 'heating',
    states: { heating: { after: { 1000: { actions: beep } } } },
  })
  const next = createMachine({
    id: 'm',
    version: '2',
    context: { beeps: 0 },
    initial: 'cooling',
    states: { cooling: { after: { 1000: 'cold' } }, cold: {} },
  })
  const migrations: readonly Migration[] = [{ from: '1', to: '2', state: ({ context }) => ({ value: 'cooling', context }) }]
  let system = createSystem({ grid, store })
  const agent = await system.spawn(old, { id: 'a', durability: 'checkpoint' })
  await clock.advance(1500)
  assert.is(agent.snapshot.context.beeps, 1)
  await system.close()
  system = createSystem({ grid, store })
  const migrated = await system.spawn(next, { id: 'a', durability: 'checkpoint', migrations })
  await clock.advance(1500)
  assert.is(migrated.snapshot.value, 'cold')
  await system.close()
  await grid.close()
})

test.run()
