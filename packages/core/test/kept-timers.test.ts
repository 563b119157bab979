import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assign, createMachine, sendParent, sendTo, setup } from 'xstate'
import { command, memoryStore, type Migration, type SpawnOptions } from '../src/index.ts'
import { crashEverywhere } from '../src/testing/index.ts'
import { openBench, type Bench } from './support.ts'

const test = suite('timers that are kept')

const beeping = createMachine({
  id: 'beeping',
  types: {} as { context: { beeps: number; armed: boolean }; events: { type: 'boom' } | { type: 'arm' } },
  context: { beeps: 0, armed: false },
  initial: 'waiting',
  states: {
    waiting: {
      after: {
        1000: { actions: [assign({ beeps: ({ context }) => context.beeps + 1 }), command('arm', 'beep')] },
        // It has fired as well, though it did nothing: as in XState, it is not asked again.
        500: { guard: ({ context }) => context.armed, actions: command('arm', 'armed') },
      },
    },
  },
  on: {
    arm: { actions: assign({ armed: true }) },
    boom: {
      actions: assign(() => {
        throw new Error('boom')
      }),
    },
  },
})

for (const durability of ['checkpoint', 'gated'] as const) {
  for (const timers of ['restart', 'remaining'] as const) {
    test(`${durability}, ${timers}: an after that has fired does not fire again, after a restart or a restore`, async () => {
      const store = memoryStore()
      const done: unknown[] = []
      const open = async (): Promise<Bench> => openBench({ store, actuators: { arm: (what) => void done.push(what) } })
      const options = { id: 'b', durability, timers } as const
      const first = await open()
      const agent = await first.system.spawn(beeping, options)
      await first.clock.advance(5000)
      agent.send({ type: 'arm' })
      agent.send({ type: 'boom' })
      await first.clock.advance(5000)
      assert.is(agent.status, 'running')
      assert.equal(agent.snapshot.context, { beeps: 1, armed: true })
      await first.close()
      for (let again = 0; again < 2; again++) {
        const next = await open()
        const restored = await next.system.spawn(beeping, options)
        await next.clock.advance(5000)
        assert.is(restored.snapshot.context.beeps, 1)
        await next.close()
      }
      assert.equal(done, ['beep'])
    })
  }

  test(`${durability}: a step that fails leaves the timers as they were before it`, async () => {
    const bench = await openBench({ store: memoryStore(), supervision: { backoff: { minMs: 10, factor: 1 } } })
    let failures = 2
    const fragile = createMachine({
      id: 'fragile',
      initial: 'a',
      states: {
        // Once by its own timer, once by an event that cancels it.
        a: { after: { 100: 'b' }, on: { leave: 'b' } },
        b: {
          entry: assign(() => {
            if (failures-- > 0) throw new Error('not yet')
            return {}
          }),
        },
      },
    })
    const agent = await bench.system.spawn(fragile, { durability, timers: 'remaining' })
    await bench.clock.advance(50)
    agent.send({ type: 'leave' })
    await bench.clock.advance(10)
    await bench.clock.advance(49)
    assert.is(agent.snapshot.value, 'a')
    await bench.clock.advance(60)
    assert.is(agent.snapshot.value, 'b')
    assert.is(agent.restarts, 2)
    await bench.close()
  })
}

async function afterMigration(before: string, after: string, options: SpawnOptions<ReturnType<typeof moving>>): Promise<number> {
  const store = memoryStore()
  const one = await openBench({ store })
  await one.system.spawn(moving('1', before), { id: 'm', type: 'm', durability: 'checkpoint', timers: 'remaining' })
  await one.clock.advance(900)
  await one.close()
  const two = await openBench({ store })
  const agent = await two.system.spawn(moving('2', after), {
    id: 'm',
    type: 'm',
    durability: 'checkpoint',
    timers: 'remaining',
    ...options,
  })
  let waitedMs = 0
  while (agent.snapshot.value !== 'gone' && waitedMs < 2000) {
    await two.clock.advance(50)
    waitedMs += 50
  }
  await two.close()
  return waitedMs
}

function moving(version: string, state: string) {
  const states = { [state]: { after: { 1000: 'gone', 5000: 'gone' } }, gone: {} }
  return createMachine({ id: `m${version}`, version, initial: state, states })
}

test('a migration that renames a state, and another id of the machine, leave what was left of an after', async () => {
  const step: Migration = { from: '1', to: '2', state: ({ context }) => ({ value: 'fresh', context }) }
  assert.is(await afterMigration('old', 'fresh', { migrations: [step] }), 100)
  assert.is(await afterMigration('old', 'old', { migrations: [{ from: '1', to: '2' }] }), 100)
})

const kid = createMachine({
  id: 'kid',
  on: { work: { actions: command('arm', 'work') }, ask: { actions: sendParent({ type: 'answer' }, { delay: 30 }) } },
})

test('delayed events between an agent and its children survive a crash at every moment', async () => {
  const parent = setup({ actors: { kid } }).createMachine({
    id: 'parent',
    invoke: { src: 'kid', id: 'kid' },
    on: {
      down: { actions: sendTo('kid', { type: 'work' }, { delay: 30 }) },
      up: { actions: sendTo('kid', { type: 'ask' }) },
      answer: { actions: command('arm', 'answer') },
    },
  })
  for (const type of ['down', 'up']) {
    const { violations } = await crashEverywhere(parent, [{ type }, { type }], { actuators: ['arm'] })
    assert.equal(violations, [], type)
  }
})

test.run()
