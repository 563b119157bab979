import { assign, createMachine, raise, sendTo, setup, type AnyStateMachine } from 'xstate'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isCoreError, memoryStore, type Durability } from '../src/index.ts'
import { openBench } from './support.ts'

const test = suite('loops')
const LEVELS: readonly Durability[] = ['none', 'checkpoint', 'gated']

const always = createMachine({
  id: 'turning',
  context: { n: 0 },
  initial: 'still',
  states: {
    still: { on: { go: 'round' } },
    round: { always: { target: 'round', reenter: true, actions: assign({ n: ({ context }) => context.n + 1 }) } },
  },
})
const raised = createMachine({ id: 'turning', initial: 'round', states: { round: { on: { go: { actions: raise({ type: 'go' }) } } } } })
const toItself = createMachine({ id: 'turning', on: { go: { actions: sendTo(({ self }) => self, { type: 'go' }) } } })

function parentOf(kid: AnyStateMachine, onError?: string): AnyStateMachine {
  return setup({ actors: { kid } }).createMachine({
    id: 'parent',
    initial: 'runs',
    states: {
      runs: {
        invoke: { src: 'kid', id: 'kid', ...(onError !== undefined && { onError }) },
        on: { go: { actions: sendTo('kid', { type: 'go' }) } },
      },
      told: {},
    },
  } as never) as unknown as AnyStateMachine
}

async function run(machine: AnyStateMachine, durability: Durability): Promise<{ failures: unknown[]; state: unknown; restarts: number }> {
  const failures: unknown[] = []
  const bench = await openBench({ hooks: { onFailure: ({ error }) => void failures.push(error) }, store: memoryStore() })
  const agent = await bench.system.spawn(machine, { id: 'a', durability })
  agent.send({ type: 'go' })
  await bench.clock.advance(1000)
  const { restarts } = agent
  const state: unknown = agent.snapshot.value
  await bench.close()
  return { failures, state, restarts }
}

for (const durability of LEVELS) {
  for (const [what, kid] of Object.entries({ always, raise: raised })) {
    test(`${durability}: ${what} without end in a child is an error of that child, which the parent hears of`, async () => {
      const { failures, state } = await run(parentOf(kid, 'told'), durability)
      assert.equal([failures.length, state], [0, 'told'])
    })
  }

  test(`${durability}: where the parent takes no error the agent fails: it is told of the machine and the state, and is restarted`, async () => {
    const { failures, restarts } = await run(parentOf(always), durability)
    assert.ok(isCoreError(failures[0], 'ENDLESS_LOOP'))
    assert.match((failures[0] as Error).message, 'machine "turning", child "kid" of agent "a", took 5000 steps')
    assert.match((failures[0] as Error).message, 'in state "round"')
    assert.is(restarts, 1)
  })
}

test('a child that sends to itself for ever is one as well', async () => {
  const { failures, state } = await run(parentOf(toItself, 'told'), 'gated')
  assert.equal([failures.length, state], [0, 'told'])
})

test('the machine of an agent has the same bound, and may have its own', async () => {
  const { failures } = await run(always, 'none')
  assert.match(String(failures[0]), 'machine "turning", agent "a", took 5000 steps')
  const own = await run(createMachine({ ...always.config, options: { maxIterations: 7 } } as never), 'none')
  assert.match(String(own.failures[0]), 'took 7 steps')
})

/** Counts to `context.to` by itself. */
const again = assign({ n: ({ context }: { context: { n: number } }) => context.n + 1 })
const counts = (to: number, maxIterations?: number): AnyStateMachine =>
  createMachine({
    id: 'counts',
    context: { n: 0 },
    ...(maxIterations !== undefined && { options: { maxIterations } }),
    initial: 'still',
    states: {
      still: { on: { go: 'counts' } },
      counts: {
        always: [
          { guard: ({ context }: { context: { n: number } }) => context.n % to === to - 1, target: 'still', actions: again },
          { target: 'counts', reenter: true, actions: again },
        ],
      },
    },
  } as never) as unknown as AnyStateMachine

test('steps are counted for each event anew: many events with many steps have no end of their own', async () => {
  const bench = await openBench()
  const agent = await bench.system.spawn(counts(900), { id: 'a' })
  const parent = await bench.system.spawn(parentOf(counts(900)), { id: 'p' })
  for (let n = 0; n < 20; n++) {
    agent.send({ type: 'go' })
    parent.send({ type: 'go' })
  }
  await bench.settle()
  const kid = (parent.snapshot.children as Record<string, { getSnapshot(): { context: { n: number } } }>)['kid']
  assert.equal([(agent.snapshot.context as { n: number }).n, kid?.getSnapshot().context.n], [18_000, 18_000])
  assert.equal([agent.restarts, parent.restarts], [0, 0])
  await bench.close()
})

test('a machine may ask for more', async () => {
  const { failures, state } = await run(counts(9000, 20_000), 'checkpoint')
  assert.equal([failures, state], [[], 'still'])
})

test('a loop in whose steps children take steps of their own is ended as well', async () => {
  const kid = createMachine({ id: 'kid', initial: 'a', states: { a: { always: 'b' }, b: { always: 'c' }, c: {} } })
  const machine = setup({ actors: { kid } }).createMachine({
    initial: 'still',
    options: { maxIterations: 200 },
    states: {
      still: { on: { go: 'round' } },
      round: { invoke: { src: 'kid' }, always: { target: 'round', reenter: true } },
    },
  } as never)
  const { failures } = await run(machine as unknown as AnyStateMachine, 'none')
  assert.ok(isCoreError(failures[0], 'ENDLESS_LOOP'))
})

test('two children that answer each other for ever are ended', async () => {
  const answers = (to: string): AnyStateMachine =>
    createMachine({
      on: { go: { actions: sendTo(({ system }) => system.get(to) as never, { type: 'go' } as never) } },
    }) as unknown as AnyStateMachine
  const machine = setup({ actors: { left: answers('right'), right: answers('left') } }).createMachine({
    invoke: [
      { src: 'left', id: 'left', systemId: 'left' },
      { src: 'right', id: 'right', systemId: 'right' },
    ],
    on: { go: { actions: sendTo('left', { type: 'go' }) } },
  } as never)
  const { failures } = await run(machine as unknown as AnyStateMachine, 'checkpoint')
  assert.ok(isCoreError(failures[0], 'ENDLESS_LOOP'))
  assert.match((failures[0] as Error).message, 'sent each other 100000 events')
})

test.run()
