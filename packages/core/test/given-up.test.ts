import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assign, createMachine, fromCallback, setup } from 'xstate'
import { command, memoryStore, put } from '../src/index.ts'
import { slowStore } from './slow-store.ts'
import { openBench } from './support.ts'

const test = suite('effects: bounds, what is given up, what is waited for')

test('while the store hangs, what a callback says is taken up to a bound, then it is a dead letter', async () => {
  const store = slowStore()
  const did: unknown[] = []
  const bench = await openBench({ store, actuators: { arm: (n) => void did.push(n) } })
  let say: (() => void) | undefined
  const machine = setup({
    types: { context: {} as { n: number }, events: {} as { type: 'tick' } | { type: 'more' } },
    actors: { device: fromCallback(({ sendBack }) => void (say = () => sendBack({ type: 'tick' }))) },
  }).createMachine({
    context: { n: 0 },
    invoke: { src: 'device' },
    on: { tick: { actions: [assign({ n: ({ context }) => context.n + 1 }), command('arm', ({ context }) => context.n)] } },
  })
  const gate = { maxTransitions: 8, maxOutbox: 10 }
  const agent = await bench.system.spawn(machine, { id: 'a', durability: 'gated', gate, mailbox: { capacity: 16 } })
  await bench.settle()
  store.hold()
  for (let i = 0; i < 1000; i++) {
    say?.()
    if (i % 100 === 0) await bench.settle()
  }
  const { n } = agent.snapshot.context
  assert.ok(n >= 8 && n <= 8 + 10 + 16 + 1, `${n} transitions`)
  assert.is(bench.system.deadLetters.count, 1000 - n, 'what is not taken is counted')
  assert.equal([...new Set(bench.system.deadLetters.recent.map(({ event, reason }) => `${event.type} ${reason}`))], ['tick mailbox-full'])
  store.flow()
  await bench.clock.advance(100)
  assert.is(did.length, n)
  say?.()
  await bench.settle()
  assert.is(agent.snapshot.context.n, n + 1, 'there is room again')
  await bench.close()
})

test('what the grid will never take is given up at once, and holds up nothing', async () => {
  const bench = await openBench({ store: memoryStore() })
  const parts = bench.grid.map<unknown>('parts')
  const machine = createMachine({
    types: {} as { events: { type: 'put'; key: string; value: unknown } },
    on: {
      put: {
        actions: put(
          parts,
          ({ event }) => event.key,
          ({ event }) => event.value,
        ),
      },
    },
  })
  const agent = await bench.system.spawn(machine, { id: 'a', durability: 'gated' })
  agent.send({ type: 'put', key: '', value: 1 })
  agent.send({ type: 'put', key: 'k', value: undefined })
  agent.send({ type: 'put', key: 'good', value: 1 })
  await bench.clock.advance(5)
  assert.is(parts.peek('good')?.value, 1)
  assert.equal(
    bench.system.deadLetters.recent.map(({ agentId, event }) => `${agentId} ${event.type}`),
    ['parts agent.put', 'parts agent.put'],
  )
  await bench.close()
})

test('an effect that cannot be stored fails the event that says it, and no other one of the same commit', async () => {
  const did: unknown[] = []
  const bench = await openBench({ store: memoryStore(), actuators: { arm: (n) => void did.push(n) } })
  const machine = createMachine({
    types: {} as { context: { n: number }; events: { type: 'go'; payload: unknown } },
    context: { n: 0 },
    on: {
      go: { actions: [assign({ n: ({ context }) => context.n + 1 }), command('arm', ({ event }) => event.payload as number)] },
    },
  })
  const agent = await bench.system.spawn(machine, { id: 'a', durability: 'gated' })
  class Odd {
    readonly value = 4
  }
  // One that nothing could be made of, and one that would come back as another thing.
  for (const payload of [1, 2, Symbol('bad'), new Odd(), 5]) agent.send({ type: 'go', payload })
  await bench.clock.advance(1000)
  assert.is(agent.snapshot.context.n, 3)
  assert.equal(did, [1, 2, 5])
  assert.equal(
    bench.system.deadLetters.recent.map(({ event, reason }) => `${event.type} ${reason}`),
    ['go crashed', 'go crashed'],
  )
  await bench.close()
})

test('a command that was given up is done when it is replayed, by another actuator if one is named', async () => {
  const did: unknown[] = []
  let jammed = true
  const arm = (payload: unknown): void => {
    if (jammed) throw new Error('jammed')
    did.push(payload)
  }
  const bench = await openBench({ store: memoryStore(), actuators: { arm, hand: (payload) => void did.push(`hand ${String(payload)}`) } })
  // An agent of the same name is not asked.
  await bench.system.spawn(createMachine({ on: { '*': { actions: () => did.push('agent') } } }), { id: 'arm' })
  const machine = createMachine({ on: { go: { actions: command('arm', 'up') } } })
  const agent = await bench.system.spawn(machine, { id: 'a', durability: 'gated', gate: { giveUpMs: 100 } })
  agent.send({ type: 'go' })
  await bench.clock.advance(1000)
  assert.is(bench.system.deadLetters.replay(), 1)
  await bench.settle()
  assert.is(bench.system.deadLetters.list().length, 1, 'it fails again: it is a dead letter again')
  jammed = false
  assert.is(bench.system.deadLetters.replay(), 1)
  await bench.settle()
  assert.equal(did, ['up'])
  jammed = true
  agent.send({ type: 'go' })
  await bench.clock.advance(1000)
  bench.system.deadLetters.replay({ agentId: 'arm' }, { to: 'hand' })
  await bench.settle()
  assert.equal(did, ['up', 'hand up'])
  assert.is(bench.system.deadLetters.list().length, 0)
  await bench.close()
})

for (const durability of ['none', 'gated'] as const) {
  test(`commands that are under way are waited for by a drain: ${durability}`, async () => {
    const log: string[] = []
    const bench = await openBench({
      store: memoryStore(),
      actuators: {
        arm: (payload) =>
          new Promise<void>((resolve) => {
            log.push(`begins ${String(payload)}`)
            bench.clock.setTimeout(() => {
              log.push(`ends ${String(payload)}`)
              resolve()
            }, 200)
          }),
      },
    })
    const machine = createMachine({
      initial: 'here',
      states: {
        here: { on: { go: { actions: [command('arm', 1), command('arm', 2)] }, end: 'gone' } },
        gone: { type: 'final', entry: command('arm', 3) },
      },
    })
    const agent = await bench.system.spawn(machine, { id: 'a', durability })
    agent.send({ type: 'go' })
    agent.send({ type: 'end' })
    await bench.clock.advance(5)
    assert.is(agent.status, 'done')
    const drained = bench.system.drain({ timeoutMs: 10_000 })
    await bench.clock.advance(1000)
    const report = await drained
    assert.equal(log.filter((line) => line.startsWith('ends')).sort(), ['ends 1', 'ends 2', 'ends 3'])
    assert.equal(report.cut, [])
    assert.is(report.error, undefined)
    assert.ok(report.tookMs >= 195, `${report.tookMs} ms`)
    await bench.grid.close()
  })
}

test.run()
