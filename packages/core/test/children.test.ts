import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assign, createMachine, fromCallback, fromPromise, sendTo, type AnyActorRef, type AnyStateMachine } from 'xstate'
import { openBench, recorder, traceOf } from './support.ts'

const test = suite('children over a restart')

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
  const agent = await bench.system.spawn(machine as AnyStateMachine, { watch: { parts } })
  await bench.grid.close()
  agent.send({ type: 'boom' })
  await bench.clock.advance(10)
  assert.equal([agent.status, running], ['restarting', 0])
  await bench.clock.advance(1000)
  assert.equal([agent.status, running], ['failed', 0])
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
  for (const [type, starts] of [
    ['early', 1],
    ['late', 2],
  ] as const) {
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
