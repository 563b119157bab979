import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createMachine } from 'xstate'
import { child, command, memoryStore, send } from '../src/index.ts'
import { openBench } from './support.ts'

const test = suite('effects of an agent that ends')

const receiver = createMachine({ id: 'receiver', on: { note: {} } })

/** Says two things on its way to its end. */
const speaker = createMachine({
  id: 'speaker',
  initial: 'here',
  states: {
    here: { on: { go: 'gone', say: { actions: command('arm', 'bye') } } },
    gone: { type: 'final', entry: [command('arm', 'bye'), send('receiver', { type: 'note' })] },
  },
})

/** An arm that fails as often as it is told to. */
function clumsyArm(failures: number): { readonly did: unknown[]; arm(payload: unknown): void } {
  const did: unknown[] = []
  return {
    did,
    arm(payload) {
      if (failures-- > 0) throw new Error('jammed')
      did.push(payload)
    },
  }
}

test('they are tried until they are done, and not done again by the next activation', async () => {
  const { did, arm } = clumsyArm(3)
  const store = memoryStore()
  const bench = await openBench({ store, actuators: { arm } })
  const heard: string[] = []
  bench.system.use({ onTransitionEnd: ({ agent, event }) => void (agent.id === 'receiver' && heard.push(event)) })
  const agent = await bench.system.spawn(speaker, { id: 'a', durability: 'gated' })
  agent.send({ type: 'go' })
  await bench.settle()
  assert.is(agent.status, 'done')
  assert.equal(did, [])
  await bench.clock.advance(5000)
  assert.equal(did, ['bye'])
  await bench.system.spawn(receiver, { id: 'receiver' })
  await bench.clock.advance(2000)
  assert.equal(heard, ['note'])
  assert.is(bench.clock.pending, 0)
  assert.is(bench.system.deadLetters.count, 0)
  await bench.system.spawn(speaker, { id: 'a', durability: 'gated' })
  await bench.clock.advance(5000)
  assert.equal([did, heard], [['bye'], ['note']])
  await bench.close()
})

test('what cannot be done is a dead letter in the end; what is stopped goes on as well', async () => {
  const { did, arm } = clumsyArm(2)
  const bench = await openBench({ store: memoryStore(), actuators: { arm } })
  const ended = await bench.system.spawn(speaker, { id: 'ended', durability: 'gated', gate: { giveUpMs: 3000 } })
  const stopped = await bench.system.spawn(speaker, { id: 'stopped', durability: 'gated' })
  ended.send({ type: 'go' })
  stopped.send({ type: 'say' })
  await bench.settle()
  await stopped.stop()
  await bench.clock.advance(1000)
  assert.equal(did, ['bye', 'bye'])
  await bench.clock.advance(4000)
  assert.equal(
    bench.system.deadLetters.recent.map(({ agentId, reason }) => `${agentId} ${reason}`),
    ['receiver undeliverable'],
  )
  assert.is(bench.clock.pending, 0)
  await bench.close()
})

test('the next activation goes on with them, whether the system was closed in between or not', async () => {
  const { did, arm } = clumsyArm(1)
  const store = memoryStore()
  const one = await openBench({ store, actuators: { arm } })
  const agent = await one.system.spawn(speaker, { id: 'a', durability: 'gated' })
  agent.send({ type: 'go' })
  await one.settle()
  const again = await one.system.spawn(speaker, { id: 'a', durability: 'gated' })
  await one.settle()
  assert.equal(did, ['bye'], 'the new one tries at once')
  again.send({ type: 'go' })
  await one.settle()
  await one.close()
  assert.is(one.clock.pending, 0)
  assert.equal(did, ['bye', 'bye'])

  const two = await openBench({ store, actuators: { arm } })
  let heard = 0
  two.system.use({ onTransitionEnd: ({ event }) => void (event === 'note' && (heard += 1)) })
  await two.system.spawn(receiver, { id: 'receiver' })
  await two.system.spawn(speaker, { id: 'a', durability: 'gated' })
  await two.clock.advance(5000)
  assert.equal([did, heard], [['bye', 'bye'], 2])
  await two.close()
})

test('a permanent worker does each of its rounds once', async () => {
  const { did, arm } = clumsyArm(0)
  const bench = await openBench({ store: memoryStore(), actuators: { arm } })
  let round = 0
  const worker = createMachine({
    id: 'worker',
    types: {} as { context: { round: number } },
    context: () => ({ round: ++round }),
    initial: 'idle',
    states: { idle: { on: { go: 'gone' } }, gone: { type: 'final', entry: command('arm', ({ context }) => context.round) } },
  })
  await bench.system.supervise({ id: 's', children: [child(worker, { id: 'w', restart: 'permanent', durability: 'gated' })] })
  for (let i = 0; i < 3; i++) {
    bench.system.send('w', { type: 'go' })
    await bench.clock.advance(2000)
  }
  assert.equal(did, [1, 2, 3])
  await bench.close()
})

test('a command that is under way when the system is closed is waited for, and not done again', async () => {
  const store = memoryStore()
  const did: unknown[] = []
  const slow = { clock: (await openBench()).clock }
  const one = await openBench({
    store,
    actuators: {
      arm: (payload) =>
        new Promise<void>((resolve) => {
          did.push(payload)
          slow.clock.setTimeout(resolve, 200)
        }),
    },
  })
  slow.clock = one.clock
  const agent = await one.system.spawn(speaker, { id: 'a', durability: 'gated' })
  agent.send({ type: 'say' })
  await one.settle()
  const closed = one.system.close()
  await one.clock.advance(200)
  await closed
  assert.is(one.clock.pending, 0)
  await one.grid.close()

  const two = await openBench({ store, actuators: { arm: (payload) => void did.push(payload) } })
  await two.system.spawn(speaker, { id: 'a', durability: 'gated' })
  await two.clock.advance(1000)
  assert.equal(did, ['bye'])
  await two.close()
})

test.run()
