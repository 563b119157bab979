import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createMachine, fromCallback } from 'xstate'
import { isCoreError, memoryStore, type Store } from '../src/index.ts'
import { add, counter, openBench, recorder, traceOf } from './support.ts'

const test = suite('restart')

test('from its checkpoint: state kept, mailbox kept, the event that broke it is a dead letter', async () => {
  const hooks = recorder()
  const bench = await openBench({ hooks })
  const agent = await bench.system.spawn(counter, { id: 'c', durability: 'checkpoint' })
  agent.send(add(1))
  agent.send({ type: 'boom' })
  agent.send(add(2))
  await bench.settle()
  assert.is(agent.status, 'restarting')
  assert.is(agent.snapshot.context.sum, 1, 'the last good snapshot')
  assert.is(agent.send(add(4)), true, 'events are accepted meanwhile')
  await bench.clock.advance(9)
  assert.is(agent.status, 'restarting')
  await bench.clock.advance(1)
  assert.equal([agent.status, agent.restarts], ['running', 1])
  assert.equal(agent.snapshot.context, { sum: 7, restored: ['checkpoint'] })
  assert.equal(hooks.log, [
    'spawn c',
    'add: {} -> {}',
    'boom: {} -> {} failed',
    'dead boom crashed',
    'failure on boom: restart in 10 ms',
    'restart 1 from checkpoint',
    'agent.restored: {} -> {}',
    'add: {} -> {}',
    'add: {} -> {}',
  ])
  await bench.close()
})

test('without durability it begins anew', async () => {
  const bench = await openBench()
  const agent = await bench.system.spawn(counter)
  agent.send(add(1))
  agent.send({ type: 'boom' })
  agent.send(add(2))
  await bench.clock.advance(10)
  assert.equal(agent.snapshot.context, { sum: 2, restored: ['initial'] })
  await bench.close()
})

test('agent.restored carries the trace of the event that broke it, and so does the failure', async () => {
  const traces: unknown[] = []
  const bench = await openBench({
    hooks: {
      onTransitionStart: (start) => void traces.push([start.event, start.trace, start.restarts]),
      onFailure: (failure) => void traces.push(['failure', failure.trace, failure.event]),
    },
  })
  const agent = await bench.system.spawn(counter)
  agent.send({ type: 'boom' }, { trace: traceOf(9) })
  await bench.clock.advance(10)
  assert.equal(traces, [
    ['boom', traceOf(9), 0],
    ['failure', traceOf(9), 'boom'],
    ['agent.restored', traceOf(9), 1],
  ])
  await bench.close()
})

test('pauses grow, and one failure too many within the window ends it', async () => {
  const hooks = recorder()
  const bench = await openBench({ hooks, supervision: { maxRestarts: 3, withinMs: 1000, backoff: { minMs: 100, factor: 2 } } })
  const agent = await bench.system.spawn(counter, { id: 'c' })
  for (const pauseMs of [100, 200, 400]) {
    agent.send({ type: 'boom' })
    await bench.clock.advance(pauseMs - 1)
    assert.is(agent.status, 'restarting')
    await bench.clock.advance(1)
    assert.is(agent.status, 'running')
  }
  agent.send({ type: 'boom' })
  agent.send(add(1))
  await bench.settle()
  assert.equal([agent.status, agent.restarts], ['failed', 3])
  assert.equal(hooks.log.slice(-4), ['dead boom crashed', 'failure on boom: stop', 'dead add stopped', 'stop c failed'])
  assert.is(agent.send(add(1)), false)
  assert.equal(bench.system.agents, [])
  assert.is(bench.clock.pending, 0)
  await bench.close()
})

test('failures further apart than the window are forgiven for ever', async () => {
  const bench = await openBench({ supervision: { maxRestarts: 1, withinMs: 1000 } })
  const agent = await bench.system.spawn(counter)
  for (let i = 0; i < 5; i++) {
    agent.send({ type: 'boom' })
    await bench.clock.advance(1001)
  }
  assert.equal([agent.status, agent.restarts], ['running', 5])
  await bench.close()
})

test('an agent that breaks on agent.restored itself is a failure like any other', async () => {
  const machine = createMachine({
    types: {} as { events: { type: 'boom' } | { type: 'agent.restored' } },
    on: {
      '*': {
        actions: () => {
          throw new Error('boom')
        },
      },
    },
  })
  const bench = await openBench({ supervision: { maxRestarts: 3 } })
  const agent = await bench.system.spawn(machine)
  agent.send({ type: 'boom' })
  await bench.clock.advance(1000)
  assert.equal([agent.status, agent.restarts], ['failed', 3])
  await bench.close()
})

test('an agent that breaks while it starts again is a failure like any other; nothing is thrown at anybody', async () => {
  let starts = 0
  const machine = createMachine({
    id: 'shy',
    types: {} as { events: { type: 'boom' } },
    entry: () => {
      starts += 1
      if (starts > 1) throw new Error('not again')
    },
    on: {
      boom: {
        actions: () => {
          throw new Error('boom')
        },
      },
    },
  })
  const errors: unknown[] = []
  const bench = await openBench({ supervision: { maxRestarts: 2 }, hooks: { onFailure: ({ error }) => void errors.push(error) } })
  const agent = await bench.system.spawn(machine)
  agent.send({ type: 'boom' })
  await bench.clock.advance(1000)
  assert.is(agent.status, 'failed')
  assert.equal(errors.map(String), ['Error: boom', 'Error: not again', 'Error: not again'])
  await bench.close()
})

test('a first step that throws is an error of spawn, with its cause; the id is free again', async () => {
  const fail = (): never => {
    throw new Error('no context')
  }
  const machines = [
    createMachine({ context: fail }),
    createMachine({ entry: fail }),
    createMachine({ invoke: { src: fromCallback(fail) } }),
  ]
  const inner = memoryStore()
  const store: Store = {
    ...inner,
    async commit(...args) {
      await new Promise((resolve) => setImmediate(resolve))
      return inner.commit(...args)
    },
  }
  const bench = await openBench({ store })
  for (const machine of machines) {
    try {
      await bench.system.spawn(machine, { id: 'x', durability: 'checkpoint' })
      assert.unreachable('should not start')
    } catch (error) {
      assert.ok(isCoreError(error, 'START_FAILED'), String(error))
      assert.match((error as Error).message, /agent "x" did not start: Error: no context/)
      assert.match(String((error as Error).cause), /no context/)
    }
    assert.is((await store.get('x'))?.value.byteLength ?? 0, 0, 'nothing to resume is left')
    assert.equal(bench.system.agents, [])
  }
  await bench.close()
})

test('stopped while it waits for its restart, it stays stopped', async () => {
  const bench = await openBench()
  const agent = await bench.system.spawn(counter, { durability: 'checkpoint' })
  agent.send({ type: 'boom' })
  await bench.settle()
  await agent.stop()
  assert.is(bench.clock.pending, 0)
  await bench.clock.advance(1000)
  assert.equal([agent.status, agent.restarts], ['stopped', 0])
  await bench.close()
})

test('stopped while its state is read for the restart, it stays stopped', async () => {
  const inner = memoryStore()
  let read: (() => void) | undefined
  const store: Store = {
    ...inner,
    async get(id) {
      if (id === 'x' && (await inner.get(id)) !== undefined) await new Promise<void>((resolve) => (read = resolve))
      return inner.get(id)
    },
  }
  const hooks = recorder()
  const bench = await openBench({ store, hooks })
  const agent = await bench.system.spawn(counter, { id: 'x', durability: 'checkpoint' })
  agent.send({ type: 'boom' })
  await bench.clock.advance(10)
  await agent.stop()
  read?.()
  await bench.clock.advance(1000)
  assert.equal([agent.status, agent.restarts], ['stopped', 0])
  assert.is(hooks.log.at(-1), 'stop x stopped')
  await bench.close()
})

test('an agent that is at its end as soon as it begins again is done, and who waits for that is told', async () => {
  let second = false
  const machine = createMachine({
    types: {} as { events: { type: 'boom' } },
    initial: 'a',
    states: { a: { always: { guard: () => second, target: 'z' } }, z: { type: 'final' } },
    on: {
      boom: {
        actions: () => {
          second = true
          throw new Error('boom')
        },
      },
    },
  })
  const bench = await openBench()
  const agent = await bench.system.spawn(machine)
  const done = agent.until((snapshot) => snapshot.matches('z'))
  agent.send({ type: 'boom' })
  await bench.clock.advance(10)
  await done
  assert.is(agent.status, 'done')
  await bench.close()
})

test('listeners hear of the state an agent begins again with', async () => {
  const bench = await openBench()
  const agent = await bench.system.spawn(counter)
  agent.send(add(1))
  await bench.settle()
  const zero = agent.until((snapshot) => snapshot.context.sum === 0 && snapshot.context.restored.length === 0)
  agent.send({ type: 'boom' })
  await bench.clock.advance(10)
  await zero
  await bench.close()
})

test.run()
