import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assign, createMachine, fromCallback, fromPromise, sendTo, type AnyActorRef } from 'xstate'
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
  const machines = [createMachine({ context: fail }), createMachine({ entry: fail }), createMachine({ invoke: { src: fromCallback(fail) } })]
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
    assert.is(await store.get('x'), undefined, 'nothing to resume is left')
    assert.equal(bench.system.agents, [])
  }
  await bench.close()
})

test('with its grid closed an agent cannot start again: it fails, and nothing of it is left', async () => {
  let running = 0
  const machine = createMachine({
    types: {} as { events: { type: 'boom' } },
    invoke: {
      src: fromCallback(() => {
        running += 1
        return () => {
          running -= 1
        }
      }),
    },
    on: {
      boom: {
        actions: () => {
          throw new Error('boom')
        },
      },
    },
  })
  const bench = await openBench({ supervision: { maxRestarts: 2 } })
  const parts = bench.grid.map('parts')
  const agent = await bench.system.spawn(machine, { watch: { parts } })
  await bench.grid.close()
  agent.send({ type: 'boom' })
  await bench.clock.advance(10)
  assert.equal([agent.status, running], ['restarting', 0])
  await bench.clock.advance(1000)
  assert.equal([agent.status, running], ['failed', 0])
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

test('children end with the agent that broke, and begin again with it', async () => {
  let running = 0
  const ticker = fromCallback(() => {
    running += 1
    return () => {
      running -= 1
    }
  })
  const machine = createMachine({
    types: {} as { events: { type: 'boom' } | { type: 'swap' } },
    initial: 'a',
    states: {
      a: { invoke: { src: ticker, systemId: 'ticker' }, on: { swap: 'b' } },
      // The child is to be stopped in the very step that throws.
      b: {
        entry: () => {
          throw new Error('boom')
        },
      },
    },
    on: {
      boom: {
        actions: () => {
          throw new Error('boom')
        },
      },
    },
  })
  for (const type of ['boom', 'swap'] as const) {
    const bench = await openBench()
    const agent = await bench.system.spawn(machine, { durability: 'checkpoint' })
    assert.is(running, 1)
    agent.send({ type })
    await bench.settle()
    assert.is(agent.status, 'restarting')
    assert.is(running, 0, `${type}: no child is left`)
    await bench.clock.advance(10)
    assert.is(agent.status, 'running')
    assert.is(running, 1, `${type}: the child is back, its system id was free`)
    await bench.close()
    assert.is(running, 0)
  }
})

test('a child that fails with nobody to handle it breaks the agent; it is tried again with its input', async () => {
  const inputs: unknown[] = []
  const machine = createMachine({
    initial: 'reading',
    states: {
      reading: {
        invoke: {
          src: fromPromise(async ({ input }: { input: unknown }) => {
            inputs.push(input)
            if (inputs.length < 3) throw new Error('no signal')
            return 'value'
          }),
          input: { port: 7 },
          onDone: 'read',
        },
      },
      read: {},
    },
  })
  const hooks = recorder()
  const bench = await openBench({ hooks })
  const agent = await bench.system.spawn(machine, { id: 'r', durability: 'checkpoint' })
  await bench.settle()
  assert.equal([agent.status, agent.snapshot.status], ['restarting', 'active'], 'the last good snapshot')
  await bench.clock.advance(1000)
  const [, failed, failure, restarted] = hooks.log
  assert.match(failed ?? '', /^xstate\.error\.actor\..*: reading -> reading failed$/)
  assert.match(failure ?? '', /^failure on xstate\.error\.actor\./)
  assert.is(restarted, 'restart 1 from checkpoint')
  assert.ok(agent.snapshot.matches('read'))
  assert.equal(inputs, [{ port: 7 }, { port: 7 }, { port: 7 }])
  assert.is(agent.restarts, 2)
  assert.is(bench.system.deadLetters.count, 0, 'nobody sent anything')
  await bench.close()
})

test('the last word of a child is not lost when the agent breaks on it', async () => {
  let runs = 0
  let throwing = true
  const machine = createMachine({
    types: {} as { context: { read: string | undefined } },
    context: { read: undefined },
    initial: 'reading',
    states: {
      reading: {
        invoke: {
          src: fromPromise(async () => {
            runs += 1
            return 'value'
          }),
          onDone: {
            target: 'read',
            actions: [
              () => {
                if (throwing) throw new Error('boom')
              },
              assign({ read: ({ event }) => event.output as string }),
            ],
          },
        },
      },
      read: {},
    },
  })
  const bench = await openBench()
  const agent = await bench.system.spawn(machine, { durability: 'checkpoint' })
  await bench.settle()
  assert.is(agent.status, 'restarting')
  throwing = false
  await bench.clock.advance(10)
  assert.is(agent.snapshot.context.read, 'value')
  assert.is(runs, 1, 'the promise did not run again')
  await bench.close()
})

test('a send that fails after the step leaves the snapshot before it, too, and no child', async () => {
  let running = 0
  let started = 0
  const ticker = fromCallback(() => {
    running += 1
    started += 1
    return () => {
      running -= 1
    }
  })
  const nobody = (): AnyActorRef => ({}) as AnyActorRef
  const hello = { type: 'hello' }
  const machine = createMachine({
    types: {} as { events: { type: 'early' } | { type: 'late' } },
    initial: 'a',
    states: {
      a: { invoke: { src: ticker }, on: { early: { target: 'b', actions: sendTo(nobody, hello) }, late: 'c' } },
      b: { invoke: { src: ticker } },
      // By the time its child's state is entered, the child has been started.
      c: { invoke: { src: ticker }, initial: 'd', states: { d: { entry: sendTo(nobody, hello) } } },
    },
  })
  for (const [type, starts] of [['early', 1], ['late', 2]] as const) {
    started = 0
    const hooks = recorder()
    const bench = await openBench({ hooks, supervision: { maxRestarts: 0 } })
    const agent = await bench.system.spawn(machine, { id: 'x' })
    agent.send({ type }, { trace: traceOf(1) })
    await bench.settle()
    assert.is(agent.status, 'failed')
    assert.ok(agent.snapshot.matches('a'))
    assert.equal([started, running], [starts, 0], type)
    assert.is(bench.grid.trace.current, undefined)
    assert.equal(hooks.log.slice(1), [`${type}: a -> a failed`, `dead ${type} crashed`, `failure on ${type}: stop`, 'stop x failed'])
    await bench.close()
  }
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

test('an agent given up resumes from its last good state when it is spawned again, with its children', async () => {
  let running = 0
  const machine = createMachine({
    types: {} as { events: { type: 'boom' } },
    invoke: {
      src: fromCallback(() => {
        running += 1
        return () => {
          running -= 1
        }
      }),
    },
    initial: 'a',
    states: { a: { after: { 50: 'b' } }, b: { after: { 50: 'c' } }, c: {} },
    on: {
      boom: {
        actions: () => {
          throw new Error('boom')
        },
      },
    },
  })
  const bench = await openBench({ supervision: { maxRestarts: 0 } })
  const first = await bench.system.spawn(machine, { id: 'x', durability: 'checkpoint' })
  await bench.clock.advance(50)
  first.send({ type: 'boom' })
  await bench.settle()
  assert.equal([first.status, running], ['failed', 0])
  const second = await bench.system.spawn(machine, { id: 'x', durability: 'checkpoint' })
  assert.equal([second.snapshot.value, running], ['b', 1])
  await bench.clock.advance(50)
  assert.ok(second.snapshot.matches('c'))
  await bench.close()
})

test('a hundred restarts leave no watches, children or timers behind', async () => {
  let running = 0
  const ticker = fromCallback(() => {
    running += 1
    return () => {
      running -= 1
    }
  })
  const bench = await openBench({ supervision: { maxRestarts: 1000 } })
  const parts = bench.grid.map<number>('parts')
  let seen = 0
  const machine = createMachine({
    types: {} as { events: { type: 'boom' } | { type: 'parts.put' } },
    invoke: { src: ticker },
    initial: 'a',
    states: { a: { after: { 1_000_000: 'b' } }, b: {} },
    on: {
      'parts.put': { actions: () => void (seen += 1) },
      boom: {
        actions: () => {
          throw new Error('boom')
        },
      },
    },
  })
  const agent = await bench.system.spawn(machine, { watch: { parts }, durability: 'checkpoint' })
  for (let i = 0; i < 100; i++) {
    agent.send({ type: 'boom' })
    await bench.clock.advance(5000)
  }
  assert.equal([agent.status, agent.restarts], ['running', 100])
  assert.is(running, 1)
  assert.is(bench.clock.pending, 1, 'one `after` timer')
  await parts.put('p1', 1)
  await bench.settle()
  assert.is(seen, 1, 'one watch')
  await bench.close()
  assert.is(running, 0)
  assert.is(bench.clock.pending, 0)
})

test.run()
