import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  assign,
  createMachine,
  emit,
  fromCallback,
  fromObservable,
  fromPromise,
  raise,
  sendParent,
  sendTo,
  setup,
  spawnChild,
} from 'xstate'
import { isCoreError, memoryStore } from '../src/index.ts'
import { openBench, recorder } from './support.ts'

/** What XState 5 does to those who host it, one test for each that no other file has. */
const test = suite('traps of XState')

const boom = (): never => {
  throw new Error('boom')
}

test('children of all kinds, names, delays, emitted events, tags and output are as XState documents them', async () => {
  for (const durability of ['none', 'checkpoint', 'gated'] as const) {
    const bench = await openBench({ store: memoryStore() })
    const log: string[] = []
    const source = {
      subscribe(observer: { next(value: number): void; complete(): void }) {
        observer.next(1)
        observer.next(2)
        observer.complete()
        return { unsubscribe: () => undefined }
      },
    }
    const machine = setup({
      types: { context: {} as { seen: readonly unknown[] }, events: {} as { type: 'go' } | { type: 'hello'; from: string } },
      actors: {
        promise: fromPromise(async ({ input }: { input: number }) => input * 2),
        callback: fromCallback<{ type: string }>(({ sendBack, receive }) => {
          receive(() => sendBack({ type: 'hello', from: 'callback' }))
          return () => log.push('callback ends')
        }),
        observable: fromObservable(() => source as never),
        child: createMachine({ id: 'child', on: { greet: { actions: sendParent({ type: 'hello', from: 'child' }) } } }),
      },
    }).createMachine({
      id: 'all',
      context: { seen: [] },
      initial: 'a',
      output: ({ context }) => context.seen.length,
      on: { hello: { actions: assign({ seen: ({ context, event }) => [...context.seen, event.from] }) } },
      states: {
        a: {
          tags: ['first'],
          invoke: [
            { src: 'promise', input: 21, onDone: { actions: assign({ seen: ({ context, event }) => [...context.seen, event.output] }) } },
            { id: 'cb', src: 'callback', systemId: 'device' },
            {
              src: 'observable',
              onSnapshot: { actions: assign({ seen: ({ context, event }) => [...context.seen, event.snapshot.context] }) },
            },
          ],
          entry: [spawnChild('child', { id: 'kid' }), sendTo('kid', { type: 'greet' }), sendTo('cb', { type: 'ping' })],
          on: { go: 'b' },
        },
        b: { entry: [emit({ type: 'moved' }), raise({ type: 'go' }, { delay: 10 })], on: { go: 'c' } },
        c: { type: 'final' },
      },
    })
    const agent = await bench.system.spawn(machine, { id: 'x', durability })
    agent.on('*', ({ type }) => log.push(type))
    assert.ok(agent.snapshot.hasTag('first'))
    assert.ok(agent.snapshot.children['cb'])
    await bench.clock.advance(1)
    await bench.settle()
    const { seen } = agent.snapshot.context
    assert.equal(new Set(seen), new Set([42, 'callback', 'child', undefined, 1, 2]), `${durability}: ${JSON.stringify(seen)}`)
    agent.send({ type: 'go' })
    await bench.clock.advance(5)
    assert.equal(log, ['callback ends', 'moved'], durability)
    await bench.clock.advance(10)
    await bench.settle()
    assert.is(agent.status, 'done')
    assert.is(agent.snapshot.output, seen.length)
    await bench.close()
    assert.is(bench.clock.pending, 0)
  }
})

test('a static context is not shared by way of what is stored', async () => {
  const bench = await openBench({ store: memoryStore() })
  const machine = createMachine({
    id: 'm',
    context: { list: [] as number[] },
    on: { up: { actions: assign({ list: ({ context }) => [...context.list, 1] }) } },
  })
  const a = await bench.system.spawn(machine, { id: 'a', durability: 'checkpoint' })
  a.send({ type: 'up' })
  await a.stop()
  const again = await bench.system.spawn(machine, { id: 'a', durability: 'checkpoint' })
  again.snapshot.context.list.push(2)
  const third = await bench.system.spawn(machine, { id: 'b', durability: 'checkpoint' })
  assert.equal(third.snapshot.context.list, [])
  await bench.close()
})

test('a child of inline logic cannot be stored: it is said, not found out at the restore', async () => {
  const errors: unknown[] = []
  const bench = await openBench({ store: memoryStore(), hooks: { onCheckpointError: (_, error) => void errors.push(error) } })
  const inline = fromCallback(() => undefined)
  const machine = createMachine({
    types: {} as { context: { kid: unknown } },
    context: { kid: undefined },
    on: { go: { actions: assign({ kid: ({ spawn }) => spawn(inline) }) } },
  })
  const agent = await bench.system.spawn(machine, { durability: 'checkpoint' })
  agent.send({ type: 'go' })
  await bench.settle()
  assert.ok(isCoreError(errors[0], 'BAD_STATE'), String(errors[0]))
  assert.match(String(errors[0]), /inline child/)
  await bench.system.close().catch((error: unknown) => assert.ok(isCoreError(error, 'BAD_STATE')))
  await bench.grid.close()
})

test('a child made of logic that is gone is refused, not dropped in silence', async () => {
  const store = memoryStore()
  const kid = fromCallback(() => undefined)
  const config = { id: 'm', version: '1', invoke: { id: 'kid', src: 'kid' } } as const
  const one = await openBench({ store })
  await one.system.spawn(setup({ actors: { kid } }).createMachine(config), { id: 'x', durability: 'checkpoint' })
  await one.close()
  const two = await openBench({ store })
  const [result] = await Promise.allSettled([
    two.system.spawn(createMachine({ id: 'm', version: '1' }), { id: 'x', durability: 'checkpoint' }),
  ])
  assert.ok(result?.status === 'rejected' && isCoreError(result.reason, 'START_FAILED'), String(result?.status))
  assert.match(String(result.reason), /the stored child "kid" is made of "kid", which the machine does not have/)
  await two.close()
})

test('a state that the machine does not have any more is an error of spawn', async () => {
  const store = memoryStore()
  const one = await openBench({ store })
  await one.system.spawn(createMachine({ id: 'm', initial: 'a', states: { a: {} } }), { id: 'x', durability: 'checkpoint' })
  await one.close()
  const two = await openBench({ store })
  const [result] = await Promise.allSettled([
    two.system.spawn(createMachine({ id: 'm', initial: 'b', states: { b: {} } }), { id: 'x', durability: 'checkpoint' }),
  ])
  assert.ok(result?.status === 'rejected' && isCoreError(result.reason, 'START_FAILED'))
  assert.ok(await store.get('x'), 'and what is stored stays')
  await two.close()
})

test('an agent that ended or failed does not come back dead', async () => {
  const store = memoryStore()
  const machine = createMachine({
    id: 'm',
    initial: 'a',
    states: { a: { on: { end: 'z' } }, z: { type: 'final' } },
    on: { boom: { actions: boom } },
  })
  const bench = await openBench({ store, supervision: { maxRestarts: 0 } })
  for (const type of ['end', 'boom']) {
    const agent = await bench.system.spawn(machine, { id: 'x', durability: 'checkpoint' })
    assert.is(agent.status, 'running')
    agent.send({ type })
    await bench.settle()
    assert.is.not(agent.status, 'running')
  }
  const agent = await bench.system.spawn(machine, { id: 'x', durability: 'checkpoint' })
  assert.is(agent.status, 'running')
  assert.ok(agent.snapshot.matches('a'))
  await bench.close()
})

test("a wildcard does not make a child's failure disappear without a trace: it is an event like others, seen by the hooks", async () => {
  const hooks = recorder()
  const bench = await openBench({ hooks })
  const machine = setup({ actors: { bad: fromPromise(async () => boom()) } }).createMachine({
    invoke: { id: 'bad', src: 'bad' },
    on: { '*': {} },
  })
  const agent = await bench.system.spawn(machine, { id: 'x' })
  await bench.settle()
  assert.is(agent.status, 'running')
  assert.ok(hooks.log.some((line) => line.startsWith('xstate.error.actor.bad')))
  await bench.close()
})

test('a system id is free again after each failure', async () => {
  const bench = await openBench({ supervision: { maxRestarts: 100, backoff: { minMs: 1, factor: 1 } } })
  const device = fromCallback(() => undefined)
  const machine = setup({ actors: { device } }).createMachine({
    invoke: { src: 'device', systemId: 'camera' },
    on: { boom: { actions: [spawnChild('device', { systemId: 'second' }), boom] } },
  })
  const agent = await bench.system.spawn(machine)
  for (let i = 0; i < 20; i++) {
    agent.send({ type: 'boom' })
    await bench.clock.advance(2)
    assert.is(agent.status, 'running')
  }
  assert.is(agent.restarts, 20)
  await bench.close()
})

test('session ids are of the agent, not of the process: the same run gives the same ids', async () => {
  const ids: unknown[] = []
  for (let run = 0; run < 2; run++) {
    const bench = await openBench()
    const kid = createMachine({ entry: ({ self }) => ids.push(self.sessionId) })
    const machine = setup({ actors: { kid } }).createMachine({ entry: [({ self }) => ids.push(self.sessionId), spawnChild('kid')] })
    await bench.system.spawn(machine, { id: 'x' })
    await bench.close()
  }
  assert.is(ids.length, 4)
  assert.equal(ids.slice(0, 2), ids.slice(2))
})

test('a child without an id of its own does not take the place of a restored one', async () => {
  const store = memoryStore()
  const kid = fromCallback(() => undefined)
  const machine = setup({ actors: { kid } }).createMachine({
    id: 'm',
    context: ({ spawn }) => ({ first: spawn('kid') }),
    on: { more: { actions: assign({ more: ({ spawn }) => spawn('kid') }) } },
  })
  const one = await openBench({ store })
  await one.system.spawn(machine, { id: 'x', durability: 'checkpoint' })
  await one.close()
  const two = await openBench({ store })
  const agent = await two.system.spawn(machine, { id: 'x', durability: 'checkpoint' })
  agent.send({ type: 'more' })
  await two.settle()
  assert.is(Object.keys(agent.snapshot.children).length, 2)
  await two.close()
})

test('an inspector cannot be put into an agent', async () => {
  const bench = await openBench()
  const machine = createMachine({ entry: ({ system }) => void system.inspect(boom), on: { go: {} } })
  const agent = await bench.system.spawn(machine)
  agent.send({ type: 'go' })
  await bench.settle()
  assert.is(agent.status, 'running')
  await bench.close()
})

test.run()
