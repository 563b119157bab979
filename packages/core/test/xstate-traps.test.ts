// What stock XState does and a runtime must not: the rest of it is in traps, timers, record, children, gated, interrupted and cell.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assign, createMachine, fromCallback, fromObservable, fromPromise, setup } from 'xstate'
import { isCoreError, memoryStore } from '../src/index.ts'
import { add, counter, openBench } from './support.ts'
import { slowStore } from './slow-store.ts'

const test = suite('xstate traps')

test('events sent while an agent starts are handled once it has started: XState forgets them in what it persists', async () => {
  const store = slowStore()
  const bench = await openBench({ store })
  store.hold()
  const spawning = bench.system.spawn(counter, { id: 'x', durability: 'gated' })
  await bench.settle()
  assert.ok(bench.system.send('x', add(1)))
  assert.ok(bench.system.send('x', add(2)))
  store.flow()
  const agent = await spawning
  await bench.settle()
  assert.is(agent.snapshot.context.sum, 3)
  await bench.close()
})

for (const durability of ['checkpoint', 'gated'] as const) {
  test(`${durability}: restored, entry actions are not run again, and callbacks and observables begin again`, async () => {
    const store = memoryStore()
    const log: string[] = []
    const machine = setup({
      actors: {
        device: fromCallback(() => {
          log.push('callback')
          return () => log.push('callback ends')
        }),
        ticks: fromObservable(() => ({
          subscribe() {
            log.push('observable')
            return { unsubscribe: () => log.push('observable ends') }
          },
        })),
        asked: fromPromise(async () => void log.push('promise')),
      },
    }).createMachine({
      id: 'm',
      entry: () => log.push('entry of the machine'),
      initial: 'a',
      states: {
        a: {
          entry: () => log.push('entry of a'),
          invoke: [{ src: 'device' }, { src: 'ticks' }, { src: 'asked' }],
        },
      },
    })
    const one = await openBench({ store })
    await one.system.spawn(machine, { id: 'x', durability })
    await one.settle()
    await one.close()
    assert.equal([...log].sort(), [
      'callback',
      'callback ends',
      'entry of a',
      'entry of the machine',
      'observable',
      'observable ends',
      'promise',
    ])
    log.length = 0
    const two = await openBench({ store })
    await two.system.spawn(machine, { id: 'x', durability })
    await two.settle()
    assert.equal(log, ['callback', 'observable'])
    await two.close()
  })
}

test('the context of a machine is made once, with its input: `transition` makes it anew, without', async () => {
  const inputs: unknown[] = []
  const machine = createMachine({
    types: {} as { context: { n: number }; input: { n: number }; events: { type: 'add' } },
    id: 'm',
    context: ({ input }) => {
      inputs.push(input)
      return { n: input.n }
    },
    on: { add: { actions: assign({ n: ({ context }) => context.n + 1 }) } },
  })
  const store = memoryStore()
  for (const expected of [2, 3]) {
    const bench = await openBench({ store })
    const agent = await bench.system.spawn(machine, { id: 'x', input: { n: 1 }, durability: 'checkpoint' })
    agent.send({ type: 'add' })
    await bench.settle()
    assert.is(agent.snapshot.context.n, expected)
    await bench.close()
  }
  assert.equal(inputs, [{ n: 1 }])
})

test('nothing reads the clock of the machine: not the start, nor a timer, a child or a restart', async () => {
  const store = memoryStore()
  const bench = await openBench({ store })
  const machine = createMachine({
    types: {} as { events: { type: 'boom' } | { type: 'agent.restored' } },
    id: 'm',
    invoke: { src: createMachine({ id: 'kid', after: { 5: {} } }), id: 'kid', systemId: 'kid' },
    initial: 'a',
    states: { a: { after: { 10: 'b' } }, b: {} },
    on: {
      boom: {
        actions: assign(() => {
          throw new Error('boom')
        }),
      },
    },
  })
  const { now } = Date
  const performanceNow = performance.now.bind(performance)
  const read: string[] = []
  Date.now = () => (read.push(`Date.now ${new Error('here').stack}`), now())
  performance.now = () => (read.push(`performance.now ${new Error('here').stack}`), performanceNow())
  try {
    const agent = await bench.system.spawn(machine, { id: 'x' })
    agent.send({ type: 'boom' })
    await bench.clock.advance(1000)
    assert.ok(agent.snapshot.matches('b'))
  } finally {
    Date.now = now
    performance.now = performanceNow
  }
  assert.equal(
    read.filter((stack) => stack.includes('xstate') || stack.includes('packages/core/src')),
    [],
  )
  await bench.close()
})

test('an error that nobody observes is a failure told to the hooks, not an exception of the process', async () => {
  const failures: unknown[] = []
  const bench = await openBench({ hooks: { onFailure: ({ error, event }) => void failures.push([(error as Error).message, event]) } })
  const agent = await bench.system.spawn(counter, { id: 'x', supervision: { maxRestarts: 0 } })
  // Observers without `error`: XState would throw it in a timer of its own.
  agent.subscribe(() => undefined)
  const thrown: unknown[] = []
  const listen = (error: unknown): void => void thrown.push(error)
  process.on('uncaughtException', listen)
  agent.send({ type: 'boom' })
  await bench.settle()
  await new Promise((resolve) => setTimeout(resolve, 0))
  process.off('uncaughtException', listen)
  assert.equal([failures, thrown, agent.status], [[['boom', 'boom']], [], 'failed'])
  await agent
    .ask((replyTo) => ({ type: 'add', by: 1, replyTo }) as never)
    .then(
      () => assert.unreachable('it has failed'),
      (error: unknown) => assert.ok(isCoreError(error), String(error)),
    )
  await bench.close()
})

test('a restart is no second spawn, a resumed agent is spawned once', async () => {
  const store = memoryStore()
  const log: string[] = []
  const hooks = {
    onSpawn: ({ id }: { readonly id: string }) => void log.push(`spawn ${id}`),
    onRestart: ({ id }: { readonly id: string }, _n: number, from: string) => void log.push(`restart ${id} ${from}`),
  }
  const one = await openBench({ store, hooks })
  const agent = await one.system.spawn(counter, { id: 'x', durability: 'checkpoint' })
  agent.send(add(1))
  agent.send({ type: 'boom' })
  await one.clock.advance(100)
  await one.close()
  const two = await openBench({ store, hooks })
  await two.system.spawn(counter, { id: 'x', durability: 'checkpoint' })
  await two.close()
  assert.equal(log, ['spawn x', 'restart x checkpoint', 'spawn x'])
})

test.run()
