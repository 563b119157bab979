import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assign, createMachine, fromCallback } from 'xstate'
import { child, isCoreError, memoryStore, type Store, type Strategy, type SupervisorSpec } from '../src/index.ts'
import { add, counter, openBench, recorder, type Bench } from './support.ts'

const test = suite('supervise')

const flat = { maxRestarts: 5, withinMs: 1000, backoff: { minMs: 10, factor: 1 } } as const

/** A counter that says when it runs and when it does not. */
function talker(log: string[], id: string) {
  const src = fromCallback(() => {
    log.push(`+${id}`)
    return () => log.push(`-${id}`)
  })
  return createMachine({
    id: 'talker',
    types: {} as { context: { sum: number }; events: { type: 'add'; by: number } | { type: 'boom' } | { type: 'end' } },
    context: { sum: 0 },
    invoke: { src },
    initial: 'on',
    states: { on: { on: { end: 'off' } }, off: { type: 'final' } },
    on: {
      add: { actions: assign({ sum: ({ context, event }) => context.sum + event.by }) },
      boom: {
        actions: () => {
          throw new Error('boom')
        },
      },
    },
  })
}

function cell(log: string[], strategy: Strategy, more: Partial<SupervisorSpec> = {}): SupervisorSpec {
  const children = ['a', 'b', 'c'].map((id) => child(talker(log, id), { id, durability: 'checkpoint' }))
  return { id: 'cell', strategy, ...flat, children, ...more }
}

const sums = ({ system }: Bench): unknown[] =>
  ['a', 'b', 'c'].map((id) => (system.agent(id)?.snapshot.context as { sum: number } | undefined)?.sum)

const cases: readonly [Strategy, string[]][] = [
  ['one-for-one', ['-b', '+b']],
  ['one-for-all', ['-b', '-c', '-a', '+a', '+b', '+c']],
  ['rest-for-one', ['-b', '-c', '+b', '+c']],
]

for (const [strategy, expected] of cases) {
  test(`${strategy}: who is brought down and started again, in which order, with the state each had`, async () => {
    const log: string[] = []
    const bench = await openBench()
    const cellRef = await bench.system.supervise(cell(log, strategy))
    assert.equal(log.splice(0), ['+a', '+b', '+c'])
    assert.equal(cellRef.children, ['a', 'b', 'c'])
    for (const [i, id] of ['a', 'b', 'c'].entries()) bench.system.send(id, add(i + 1))
    await bench.settle()
    bench.system.send('b', { type: 'boom' })
    await bench.settle()
    for (const id of ['a', 'b', 'c']) assert.is(bench.system.send(id, add(10)), true, 'events are accepted meanwhile')
    await bench.clock.advance(9)
    const down = expected.filter((line) => line.startsWith('-'))
    assert.equal(log, down)
    await bench.clock.advance(1)
    assert.equal(log.splice(0), expected)
    assert.equal(sums(bench), [11, 12, 13])
    assert.equal([cellRef.restarts, cellRef.status], [down.length, 'running'])
    await cellRef.stop()
    assert.equal(log, ['-c', '-b', '-a'])
    assert.equal([bench.system.agents, bench.system.supervisor('cell'), bench.clock.pending], [[], undefined, 0])
    await bench.close()
  })
}

test('the pause grows with the failures of that child, the window counts all of them; then all is stopped and the watchers are told', async () => {
  const log: string[] = []
  const hooks = recorder()
  const escalations: unknown[] = []
  const started: string[] = []
  const bench = await openBench({
    hooks: { ...hooks, onSupervisor: (id) => void started.push(id), onEscalation: (told) => void escalations.push(told) },
  })
  const more = { maxRestarts: 3, withinMs: 1000, backoff: { minMs: 10, factor: 2 } }
  const ref = await bench.system.supervise(cell(log, 'one-for-one', more))
  for (const [id, pauseMs] of [
    ['a', 10],
    ['b', 10],
    ['a', 20],
  ] as const) {
    bench.system.send(id, { type: 'boom' })
    await bench.clock.advance(pauseMs - 1)
    assert.is(bench.system.agent(id)?.status, 'restarting')
    await bench.clock.advance(1)
    assert.is(bench.system.agent(id)?.status, 'running')
  }
  bench.system.send('c', { type: 'boom' })
  await bench.settle()
  assert.equal([ref.status, bench.system.agents, bench.clock.pending], ['failed', [], 0])
  assert.equal([started, escalations], [['cell'], [{ supervisor: 'cell', child: 'c', to: undefined }]])
  assert.equal(hooks.log.slice(-4), ['failure on boom: stop', 'stop c failed', 'stop b stopped', 'stop a stopped'])
  await bench.close()
})

test('escalation: the one above restarts the whole branch, and gives up in its turn', async () => {
  const log: string[] = []
  const failures: string[] = []
  const bench = await openBench({ hooks: { onFailure: ({ agent, decision }) => void failures.push(`${agent.id} ${decision.type}`) } })
  const ref = await bench.system.supervise({
    id: 'plant',
    strategy: 'rest-for-one',
    ...flat,
    maxRestarts: 1,
    children: [
      child(talker(log, 'first'), { id: 'first' }),
      cell(log, 'one-for-one', { maxRestarts: 1 }),
      child(talker(log, 'last'), { id: 'last' }),
    ],
  })
  assert.equal(log.splice(0), ['+first', '+a', '+b', '+c', '+last'])
  const boom = async (): Promise<void> => {
    bench.system.send('b', { type: 'boom' })
    await bench.clock.advance(10)
  }
  await boom()
  assert.equal(log.splice(0), ['-b', '+b'])
  await boom()
  assert.equal(log.splice(0), ['-b', '-c', '-a', '-last', '+a', '+b', '+c', '+last'])
  assert.equal(bench.system.trees(), [
    {
      id: 'plant',
      kind: 'supervisor',
      status: 'running',
      restarts: 2,
      strategy: 'rest-for-one',
      children: [
        { id: 'first', kind: 'agent', status: 'running', restarts: 0 },
        {
          id: 'cell',
          kind: 'supervisor',
          status: 'running',
          restarts: 4,
          strategy: 'one-for-one',
          children: [
            { id: 'a', kind: 'agent', status: 'running', restarts: 1 },
            { id: 'b', kind: 'agent', status: 'running', restarts: 2 },
            { id: 'c', kind: 'agent', status: 'running', restarts: 1 },
          ],
        },
        { id: 'last', kind: 'agent', status: 'running', restarts: 1 },
      ],
    },
  ])
  await boom()
  assert.equal(log.splice(0), ['-b', '+b'], 'a restarted supervisor counts anew')
  await boom()
  assert.equal(log.splice(0).sort(), ['-a', '-b', '-c', '-first', '-last'])
  assert.equal([ref.status, bench.system.agents, bench.system.trees(), bench.clock.pending], ['failed', [], [], 0])
  assert.equal(failures, ['b restart', 'b escalate', 'b restart', 'b stop'])
  await bench.close()
})

test('permanent is restarted when it is done, transient when it fails, temporary never; what was stopped stays so', async () => {
  const log: string[] = []
  const bench = await openBench()
  const { system } = bench
  const restarts = ['permanent', 'transient', 'temporary'] as const
  await system.supervise({
    id: 's',
    ...flat,
    maxRestarts: 100,
    children: restarts.map((id) => child(talker(log, id), { id, restart: id })),
  })
  for (const id of restarts) system.send(id, { type: 'end' })
  await bench.clock.advance(10)
  assert.equal(system.agents, ['permanent'])
  assert.equal([system.agent('permanent')?.status, system.agent('permanent')?.snapshot.value], ['running', 'on'])
  await system.supervisor('s')?.stop()
  await system.supervise({ id: 's', ...flat, children: restarts.map((id) => child(talker(log, id), { id, restart: id })) })
  for (const id of restarts) system.send(id, { type: 'boom' })
  await bench.clock.advance(10)
  assert.equal(system.agents, ['permanent', 'transient'])
  await system.agent('permanent')?.stop()
  await bench.clock.advance(1000)
  assert.equal([system.agents, system.supervisor('s')?.children], [['transient'], ['transient']])
  await bench.close()
})

test('if one child does not start, those before it are stopped and nothing is left', async () => {
  const log: string[] = []
  const bench = await openBench()
  const shy = createMachine({
    entry: () => {
      throw new Error('shy')
    },
  })
  const spec = cell(log, 'one-for-all')
  const nested: SupervisorSpec = { id: 'outer', children: [spec, child(shy, { id: 'shy' }), child(counter, { id: 'never' })] }
  const [result] = await Promise.allSettled([bench.system.supervise(nested)])
  assert.ok(result?.status === 'rejected' && isCoreError(result.reason, 'START_FAILED'))
  assert.equal(log, ['+a', '+b', '+c', '-c', '-b', '-a'])
  assert.equal([bench.system.agents, bench.system.trees(), bench.clock.pending], [[], [], 0])
  await bench.system.supervise(spec)
  await bench.close()
})

test('a child that fails while its group is started again begins the whole group anew, once', async () => {
  const log: string[] = []
  let tries = 0
  const flaky = createMachine({
    id: 'flaky',
    entry: () => {
      tries += 1
      if (tries === 2 || tries === 3) throw new Error('not yet')
    },
  })
  const bench = await openBench()
  const children = [child(talker(log, 'a'), { id: 'a' }), child(flaky, { id: 'b' }), child(talker(log, 'c'), { id: 'c' })]
  const ref = await bench.system.supervise({ id: 'cell', strategy: 'one-for-all', ...flat, children })
  bench.system.send('a', { type: 'boom' })
  await bench.clock.advance(30)
  assert.equal(log, ['+a', '+c', '-a', '-c', '+a', '-a', '+a', '-a', '+a', '+c'])
  assert.equal([tries, ref.status, bench.clock.pending], [4, 'running', 0])
  await bench.close()
})

test('a restart that is still reading its state when the branch is brought down again does not begin', async () => {
  const inner = memoryStore()
  const reads: (() => void)[] = []
  let slow = false
  const store: Store = {
    ...inner,
    async get(id) {
      if (slow) await new Promise<void>((resolve) => reads.push(resolve))
      return inner.get(id)
    },
  }
  const log: string[] = []
  const bench = await openBench({ store })
  const x = child(talker(log, 'x'), { id: 'x', durability: 'checkpoint' })
  const children = [{ id: 'inner', ...flat, children: [x] }, child(talker(log, 'y'), { id: 'y' })]
  await bench.system.supervise({ id: 'outer', strategy: 'one-for-all', ...flat, children })
  slow = true
  bench.system.send('x', { type: 'boom' })
  await bench.clock.advance(10)
  assert.is(reads.length, 1)
  bench.system.send('y', { type: 'boom' })
  await bench.settle()
  slow = false
  reads[0]?.()
  await bench.clock.advance(9)
  assert.equal(log, ['+x', '+y', '-x', '-y'])
  await bench.clock.advance(1)
  assert.equal(log, ['+x', '+y', '-x', '-y', '+x', '+y'])
  await bench.close()
})

test('children can be added later, are the last ones, and are supervised', async () => {
  const log: string[] = []
  const bench = await openBench()
  const ref = await bench.system.supervise(cell(log, 'rest-for-one'))
  const added = await ref.spawn(talker(log, 'd'), { id: 'd' })
  await ref.supervise({ id: 'below', children: [child(talker(log, 'e'), { id: 'e' })] })
  log.length = 0
  bench.system.send('c', { type: 'boom' })
  await bench.clock.advance(10)
  assert.equal(log, ['-c', '-e', '-d', '+c', '+d', '+e'])
  assert.equal([added.status, added.restarts], ['running', 1])
  await ref.stop()
  const [late] = await Promise.allSettled([ref.spawn(counter)])
  assert.ok(late?.status === 'rejected' && isCoreError(late.reason, 'CLOSED'))
  await bench.close()
})

test('each child has its time to stop; one that is late holds up the others no longer than that', async () => {
  const inner = memoryStore()
  let hang = ''
  const store: Store = { ...inner, commit: (id, ...rest) => (id === hang ? new Promise(() => undefined) : inner.commit(id, ...rest)) }
  const log: string[] = []
  const bench = await openBench({ store })
  const children = ['a', 'b', 'c'].map((id) => child(talker(log, id), { id, durability: 'checkpoint', shutdownMs: 100 }))
  const ref = await bench.system.supervise({ id: 'cell', strategy: 'rest-for-one', children })
  hang = 'b'
  const stopped = Promise.allSettled([ref.stop()])
  await bench.clock.advance(99)
  assert.equal(log.slice(3), ['-c', '-b'])
  await bench.clock.advance(1)
  const [result] = await stopped
  assert.ok(
    result?.status === 'rejected' &&
      isCoreError(result.reason, 'CLOSE_TIMEOUT') &&
      /"b" did not stop within 100 ms/.test(result.reason.message),
  )
  assert.equal(log.slice(3), ['-c', '-b', '-a'])
  const closed = Promise.allSettled([bench.close()])
  await bench.clock.advance(5000)
  await closed
})

test('closing the system while a group waits for its restart leaves nothing', async () => {
  const log: string[] = []
  const bench = await openBench()
  await bench.system.supervise(cell(log, 'one-for-all'))
  bench.system.send('a', { type: 'boom' })
  await bench.settle()
  await bench.system.close()
  assert.is(bench.clock.pending, 0)
  assert.equal(log, ['+a', '+b', '+c', '-a', '-c', '-b'])
  await bench.close()
})

test('what cannot be supervised is refused before anything starts', async () => {
  const bench = await openBench()
  const wrong: readonly [unknown, RegExp][] = [
    [{ id: 's', strategie: 'one-for-all' }, /no option "strategie"/],
    [{ id: 's', strategy: 'all' }, /strategy is "all"/],
    [{ strategy: 'one-for-all' }, /no id/],
    [{ id: 's', children: 'a' }, /children of "s" is "a": give an array/],
    [{ id: 's', children: [child(counter, { restart: 'always' as never })] }, /restart is "always"/],
    [{ id: 's', children: [child(counter, { supervision: {} } as never)] }, /supervision is an object/],
    [{ id: 's', children: [counter] }, /no option/],
    [{ id: 's', children: [7] }, /a child is 7/],
    [{ id: 's', shutdownMs: -1 }, /shutdownMs is -1/],
    [{ id: 's', children: [child(counter, { id: 'x' }), child(counter, { id: 'x' })] }, /has a child "x"/],
    [{ id: 's', children: [{ id: 't' }, { id: 's' }] }, /"s"/],
  ]
  for (const [spec, pattern] of wrong) {
    const [result] = await Promise.allSettled([bench.system.supervise(spec as SupervisorSpec)])
    assert.match(String(result?.status === 'rejected' && result.reason), pattern)
  }
  assert.equal([bench.system.agents, bench.system.trees()], [[], []])
  await bench.close()
})

test.run()
