import type { TraceContext } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assign, createMachine, fromCallback } from 'xstate'
import type { ActorSystem, CoreHooks, TransitionEnd } from '../src/index.ts'
import { add, counter, openBench, traceOf } from './support.ts'

const test = suite('cell')

test('events are handled one by one in the order they were sent, never on the stack of the sender', async () => {
  const bench = await openBench()
  const log: string[] = []
  const machine = createMachine({
    types: {} as { events: { type: 'a' | 'b' | 'c' } },
    on: {
      '*': {
        actions: ({ event }) => {
          log.push(`begin ${event.type}`)
          if (event.type === 'a') bench.system.send('x', { type: 'c' })
          log.push(`end ${event.type}`)
        },
      },
    },
  })
  const agent = await bench.system.spawn(machine, { id: 'x' })
  agent.send({ type: 'a' })
  agent.send({ type: 'b' })
  assert.equal(log, [])
  await bench.settle()
  assert.equal(log, ['begin a', 'end a', 'begin b', 'end b', 'begin c', 'end c'])
  await bench.close()
})

test('the trace of an event is current while its actions run; what they send and write carries it', async () => {
  const bench = await openBench()
  const { grid } = bench
  const notes = grid.map<number>('notes')
  const seen: (TraceContext | undefined)[] = []
  const second = createMachine({ on: { '*': { actions: () => seen.push(grid.trace.current) } } })
  const first = createMachine({
    types: {} as { events: { type: 'go' } },
    on: {
      go: {
        actions: () => {
          seen.push(grid.trace.current)
          void notes.put(grid.trace.current === undefined ? 'without' : 'with', 1)
          bench.system.send('second', { type: 'passed on' })
        },
      },
    },
  })
  await bench.system.spawn(second, { id: 'second' })
  const agent = await bench.system.spawn(first, { id: 'first' })
  agent.send({ type: 'go' }, { trace: traceOf(7) })
  agent.send({ type: 'go' })
  await bench.settle()
  assert.equal(seen, [traceOf(7), undefined, traceOf(7), undefined])
  assert.equal(notes.peek('with')?.trace, traceOf(7))
  assert.is(notes.peek('without')?.trace, undefined)
  assert.is(grid.trace.current, undefined)
  await bench.close()
})

test('what a hook returns from onTransitionStart is the context of the actions, and comes back at the end', async () => {
  const ends: TransitionEnd[] = []
  const hooks: CoreHooks = {
    onTransitionStart: (start) => (start.trace === undefined ? undefined : traceOf(Number(start.trace.traceId) + 1)),
    onTransitionEnd: (end) => void ends.push(end),
  }
  const bench = await openBench({ hooks })
  const notes = bench.grid.map<number>('notes')
  const machine = createMachine({
    id: 'traffic light',
    types: {} as { events: { type: 'go' } },
    initial: 'red',
    states: {
      red: { tags: ['halt'], on: { go: 'green' } },
      green: { initial: 'arrow', entry: () => void notes.put('k', 1), states: { arrow: {} } },
    },
  })
  const agent = await bench.system.spawn(machine, { id: 'l1', stage: 'actuation' })
  await bench.clock.advance(5)
  agent.send({ type: 'go' }, { trace: traceOf(1) })
  await bench.settle()
  assert.equal(notes.peek('k')?.trace, traceOf(2))
  const [end] = ends
  assert.equal(end && { ...end, tagsBefore: [...end.tagsBefore], tagsAfter: [...end.tagsAfter] }, {
    agent: { id: 'l1', type: 'traffic light', stage: 'actuation' },
    event: 'go',
    trace: traceOf(1),
    enqueuedAtMs: 5,
    startedAtMs: 5,
    endedAtMs: 5,
    restarts: 0,
    from: 'red',
    to: '{"green":"arrow"}',
    tagsBefore: ['halt'],
    tagsAfter: [],
    error: undefined,
    context: traceOf(2),
    ignored: false,
    worldAtMs: undefined,
  })
  await bench.close()
})

test('timers and children act on behalf of the last event from outside, and are seen by the hooks', async () => {
  const seen: [string, TraceContext | undefined][] = []
  const bench = await openBench({ hooks: { onTransitionStart: (start) => void seen.push([start.event, start.trace]) } })
  const machine = createMachine({
    types: {} as { events: { type: 'go' } | { type: 'from child' } },
    initial: 'a',
    states: {
      a: { on: { go: 'b' } },
      b: { after: { 100: 'c' }, invoke: { src: fromCallback(({ sendBack }) => sendBack({ type: 'from child' })) } },
      c: {},
    },
  })
  const agent = await bench.system.spawn(machine)
  agent.send({ type: 'go' }, { trace: traceOf(3) })
  await bench.clock.advance(100)
  assert.ok(agent.snapshot.matches('c'))
  assert.equal(
    seen.map(([event]) => event),
    ['go', 'from child', 'xstate.after.100.(machine).b'],
  )
  for (const [, trace] of seen) assert.equal(trace, traceOf(3))
  await bench.close()
})

test('hooks and listeners that throw or reject are counted and change nothing (I7)', async () => {
  const fail = (): never => {
    throw new Error('a bad guest')
  }
  const names = ['onTransitionStart', 'onTransitionEnd', 'onSpawn', 'onStop', 'onFailure', 'onRestart', 'onCheckpoint', 'onDeadLetter']
  const run = async (
    system: ActorSystem,
    bench: { settle(): Promise<void>; clock: { advance(ms: number): Promise<void> } },
  ): Promise<unknown> => {
    const agent = await system.spawn(counter, { id: 'c', durability: 'checkpoint' })
    agent.send(add(1))
    agent.send({ type: 'boom' })
    agent.send(add(2))
    await bench.clock.advance(1000)
    await agent.stop()
    return [agent.snapshot.context, agent.status, agent.restarts, system.deadLetters.recent.length]
  }
  const good = await openBench()
  const expected = await run(good.system, good)
  assert.equal(expected, [{ sum: 3, restored: ['checkpoint'] }, 'stopped', 1, 1])
  assert.is(good.system.guestErrors, 0)

  const bad = await openBench({ hooks: Object.fromEntries(names.map((name) => [name, fail])) })
  const remove = bad.system.use({ onSpawn: () => Promise.reject(new Error('later')) as unknown as void })
  assert.equal(await run(bad.system, bad), expected)
  assert.ok(bad.system.guestErrors >= names.length, `${bad.system.guestErrors} were counted`)
  remove()
  await good.close()
  await bad.close()
})

test('a listener hears of each snapshot that differs, until it leaves; one that throws disturbs nobody', async () => {
  const bench = await openBench()
  const agent = await bench.system.spawn(counter)
  const sums: number[] = []
  agent.subscribe(() => {
    throw new Error('a bad guest')
  })
  const leave = agent.subscribe((snapshot) => void sums.push(snapshot.context.sum))
  agent.send(add(1))
  agent.send({ type: 'unknown' } as never)
  agent.send(add(2))
  await bench.settle()
  leave()
  agent.send(add(3))
  await bench.settle()
  assert.equal(sums, [1, 3])
  assert.is(agent.snapshot.context.sum, 6)
  assert.is(bench.system.guestErrors, 3)
  await bench.close()
})

test('what is no event, or one of the engine, is refused', async () => {
  const bench = await openBench()
  const agent = await bench.system.spawn(counter)
  for (const event of [null, undefined, 'add', {}, { type: 7 }, { type: 'xstate.stop' }]) assert.is(agent.send(event as never), false)
  agent.send(add(1))
  await bench.settle()
  assert.is(agent.snapshot.context.sum, 1)
  assert.equal(new Set(bench.system.deadLetters.recent.map((letter) => letter.reason)), new Set(['bad-event']))
  await bench.close()
})

test('agents that feed each other for ever do not starve timers', async () => {
  const bench = await openBench()
  const { system } = bench
  const machine = createMachine({
    types: {} as { context: { other: string; n: number }; input: string; events: { type: 'ball' } },
    context: ({ input }) => ({ other: input, n: 0 }),
    on: {
      ball: { actions: [assign({ n: ({ context }) => context.n + 1 }), ({ context }) => system.send(context.other, { type: 'ball' })] },
    },
  })
  const ping = await system.spawn(machine, { id: 'ping', input: 'pong' })
  await system.spawn(machine, { id: 'pong', input: 'ping' })
  ping.send({ type: 'ball' })
  await new Promise((resolve) => setImmediate(resolve))
  await new Promise((resolve) => setImmediate(resolve))
  assert.ok(ping.snapshot.context.n >= 500, 'the game goes on')
  await bench.close()
})

test('a machine that sends to itself without end is stopped as a failure', async () => {
  for (const same of [false, true]) {
    const failures: unknown[] = []
    const bench = await openBench({ supervision: { maxRestarts: 0 }, hooks: { onFailure: ({ error }) => void failures.push(error) } })
    const machine = createMachine({
      types: {} as { events: { type: 'again' } },
      on: { again: { actions: ({ self, event }) => self.send(same ? event : { type: 'again' }) } },
    })
    const agent = await bench.system.spawn(machine, { id: 'looping' })
    agent.send({ type: 'again' })
    await bench.settle()
    assert.is(agent.status, 'failed')
    assert.match(String(failures[0]), /agent "looping" sent itself 100000 events in one go/)
    await bench.close()
  }
})

test('context of a machine is not shared: a machine spawned twice counts twice', async () => {
  const bench = await openBench()
  const [a, b] = [await bench.system.spawn(counter), await bench.system.spawn(counter)]
  a?.send(add(1))
  b?.send(add(10))
  await bench.settle()
  assert.equal([a?.snapshot.context.sum, b?.snapshot.context.sum], [1, 10])
  assert.equal(bench.system.agents, ['counter-1', 'counter-2'])
  await bench.close()
})

test.run()
