import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assign, createMachine } from 'xstate'
import { command, memoryStore, put, SeenEffects, send, type EffectOrigin, type Store } from '../src/index.ts'
import { openBench, type Bench } from './support.ts'

const test = suite('outbox')

/** Sends what it is told to. */
const sender = createMachine({
  types: {} as { context: { n: number }; events: { type: 'go' } | { type: 'agent.restored' } },
  id: 'sender',
  context: { n: 0 },
  on: {
    go: { actions: [assign({ n: ({ context }) => context.n + 1 }), send('receiver', ({ context }) => ({ type: 'note', n: context.n }))] },
  },
})

const receiver = createMachine({
  types: {} as { context: { notes: readonly number[] }; events: { type: 'note'; n: number } },
  id: 'receiver',
  context: { notes: [] },
  on: { note: { actions: assign({ notes: ({ context, event }) => [...context.notes, event.n] }) } },
})

/** A store that forgets all commits from some point on, as if the process had been killed there. */
function mortalStore(inner: Store): { readonly store: Store; kill(): void } {
  let dead = false
  const never = new Promise<never>(() => undefined)
  return {
    store: { ...inner, commit: (...args) => (dead ? never : inner.commit(...args)), get: (id) => (dead ? never : inner.get(id)) },
    kill() {
      dead = true
    },
  }
}

const abandon = async (bench: Bench): Promise<void> => {
  const closed = bench.system.close({ timeoutMs: 1 }).catch(() => undefined)
  await bench.clock.advance(1)
  await closed
  await bench.grid.close()
}

test('what was sent and not handled is sent again after a crash, and the receiver has it once', async () => {
  const disk = memoryStore()
  const first = mortalStore(disk)
  const one = await openBench({ store: first.store })
  const from = await one.system.spawn(sender, { id: 'sender', durability: 'gated' })
  const to = await one.system.spawn(receiver, { id: 'receiver', durability: 'gated' })
  from.send({ type: 'go' })
  await one.settle()
  assert.equal(to.snapshot.context.notes, [1])
  // The sender's next state is committed; the receiver's never is.
  from.send({ type: 'go' })
  const killed = one.system.use({ onCheckpoint: ({ id }) => void (id === 'sender' && first.kill()) })
  await one.settle()
  killed()
  assert.equal(to.snapshot.context.notes, [1, 2])
  await abandon(one)

  const two = await openBench({ store: disk })
  const again = await two.system.spawn(sender, { id: 'sender', durability: 'gated' })
  await two.settle()
  assert.is(two.system.deadLetters.count, 0, 'it waits for its receiver')
  const there = await two.system.spawn(receiver, { id: 'receiver', durability: 'gated' })
  assert.equal(there.snapshot.context.notes, [1])
  await two.clock.advance(2000)
  assert.equal(there.snapshot.context.notes, [1, 2])
  again.send({ type: 'go' })
  await two.settle()
  assert.equal(there.snapshot.context.notes, [1, 2, 3], 'a new activation numbers anew, under a new fence')
  await two.close()
})

test('a repeat is passed over: the receiver has stored what it has seen', async () => {
  const disk = memoryStore()
  const first = mortalStore(disk)
  const one = await openBench({ store: first.store })
  await one.system.spawn(receiver, { id: 'receiver', durability: 'gated' })
  const from = await one.system.spawn(sender, { id: 'sender', durability: 'gated' })
  from.send({ type: 'go' })
  // Killed when the receiver has committed, before the sender could note it.
  const off = one.system.use({ onCheckpoint: ({ id }) => void (id === 'receiver' && first.kill()) })
  await one.settle()
  off()
  await abandon(one)

  const two = await openBench({ store: disk })
  const to = await two.system.spawn(receiver, { id: 'receiver', durability: 'gated' })
  await two.system.spawn(sender, { id: 'sender', durability: 'gated' })
  await two.settle()
  assert.equal(to.snapshot.context.notes, [1])
  assert.is(two.system.repeats, 1)
  await two.close()

  const three = await openBench({ store: disk })
  await three.system.spawn(receiver, { id: 'receiver', durability: 'gated' })
  await three.system.spawn(sender, { id: 'sender', durability: 'gated' })
  await three.settle()
  assert.is(three.system.repeats, 0, 'it is settled: nobody sends it a third time')
  await three.close()
})

test('a full mailbox is tried again, in order; a receiver that never comes is given up', async () => {
  const bench = await openBench({ store: memoryStore() })
  const to = await bench.system.spawn(receiver, { id: 'receiver', mailbox: { capacity: 1 } })
  const from = await bench.system.spawn(sender, { id: 'sender', durability: 'gated', gate: { giveUpMs: 5000 } })
  for (let i = 0; i < 5; i++) from.send({ type: 'go' })
  await bench.clock.advance(3000)
  assert.equal(to.snapshot.context.notes, [1, 2, 3, 4, 5])
  await to.stop()
  const before = bench.system.deadLetters.count
  from.send({ type: 'go' })
  await bench.clock.advance(4000)
  assert.is(bench.system.deadLetters.count, before)
  await bench.clock.advance(3000)
  assert.equal(
    bench.system.deadLetters.recent.slice(before).map(({ agentId, event, reason }) => [agentId, event, reason]),
    [['receiver', { type: 'note', n: 6 }, 'undeliverable']],
  )
  await bench.close()
  assert.is(bench.clock.pending, 0)
})

test('a receiver whose stash is full is tried again after a pause: the process goes on, and it is given up in time', async () => {
  const bench = await openBench({ store: memoryStore() })
  let asked = 0
  const busy = createMachine({
    types: {} as { context: { notes: readonly number[] }; events: { type: 'note'; n: number } | { type: 'free' } },
    context: { notes: [] },
    initial: 'busy',
    states: {
      busy: { on: { free: 'free' } },
      free: { on: { note: { target: 'busy', actions: assign({ notes: ({ context, event }) => [...context.notes, event.n] }) } } },
    },
  })
  const stash = (event: { type: string }, state: { matches(value: 'busy'): boolean }): boolean => {
    asked += 1
    return event.type === 'note' && state.matches('busy')
  }
  const to = await bench.system.spawn(busy, { id: 'receiver', stash, mailbox: { stash: 1 } })
  const from = await bench.system.spawn(sender, { id: 'sender', durability: 'gated', gate: { giveUpMs: 5000 } })
  for (let i = 0; i < 4; i++) from.send({ type: 'go' })
  await bench.clock.advance(100)
  assert.ok(asked < 50, `asked ${asked} times within 100 ms`)
  for (let i = 0; i < 2; i++) {
    to.send({ type: 'free' })
    await bench.clock.advance(1500)
  }
  assert.equal(to.snapshot.context.notes, [1, 2])
  await bench.clock.advance(5000)
  assert.equal(
    bench.system.deadLetters.recent.map(({ event, reason }) => [event, reason]),
    [[{ type: 'note', n: 4 }, 'undeliverable']],
    'the third one is set aside, the fourth was tried for so long',
  )
  await bench.close()
  assert.is(bench.clock.pending, 0)
})

test('an actuator that never answers is given up: what comes after it goes on', async () => {
  const done: unknown[] = []
  const arm = (payload: unknown): void | Promise<void> => (payload === 1 ? new Promise<never>(() => undefined) : void done.push(payload))
  const bench = await openBench({ store: memoryStore(), actuators: { arm } })
  const machine = createMachine({
    types: {} as { events: { type: 'go'; n: number } },
    on: { go: { actions: command('arm', ({ event }) => event.n) } },
  })
  const agent = await bench.system.spawn(machine, { id: 'a', durability: 'gated', gate: { giveUpMs: 1000, maxOutbox: 2 } })
  for (let n = 1; n <= 4; n++) agent.send({ type: 'go', n })
  await bench.clock.advance(900)
  assert.equal(done, [])
  assert.is(agent.mailbox.waiting, 2, 'the mailbox holds')
  await bench.clock.advance(200)
  assert.equal(done, [2, 3, 4])
  assert.equal(
    bench.system.deadLetters.recent.map(({ agentId, event, reason }) => [agentId, event, reason]),
    [['arm', { type: 'agent.command', kind: 'command', actuator: 'arm', payload: 1 }, 'undeliverable']],
  )
  agent.send({ type: 'go', n: 1 })
  await bench.settle()
  const closed = bench.close()
  await bench.clock.advance(1000)
  await closed
  assert.is(bench.clock.pending, 0)
})

test('so many undone effects, then the mailbox holds', async () => {
  const bench = await openBench({ store: memoryStore() })
  const from = await bench.system.spawn(sender, { id: 'sender', durability: 'gated', gate: { maxOutbox: 3 } })
  for (let i = 0; i < 10; i++) from.send({ type: 'go' })
  await bench.clock.advance(100)
  assert.is(from.snapshot.context.n, 3)
  const to = await bench.system.spawn(receiver, { id: 'receiver' })
  await bench.clock.advance(5000)
  assert.is(to.snapshot.context.notes.length, 10)
  await bench.close()
})

test('a write or a command that fails is tried again; a repeated command can be told by its origin', async () => {
  const disk = memoryStore()
  const seen: EffectOrigin[] = []
  let jammed = true
  const arm = (_payload: unknown, { origin }: { readonly origin: EffectOrigin | undefined }): void => {
    if (origin !== undefined) seen.push(origin)
    if (jammed) throw new Error('jammed')
  }
  const machine = createMachine({ id: 'm', on: { go: { actions: command('arm', 'up') } } })
  const one = await openBench({ store: disk, actuators: { arm } })
  const agent = await one.system.spawn(machine, { id: 'x', durability: 'gated' })
  agent.send({ type: 'go' })
  await one.clock.advance(25)
  assert.ok(seen.length >= 2)
  await one.close()
  jammed = false
  const two = await openBench({ store: disk, actuators: { arm } })
  await two.system.spawn(machine, { id: 'x', durability: 'gated' })
  await two.settle()
  assert.equal(new Set(seen.map(({ agent: id, fence, seq }) => `${id} ${fence} ${seq}`)), new Set(['x 1 1', 'x 2 1']))
  const arms = new SeenEffects()
  const answers = seen.map((origin) => arms.take(origin))
  assert.equal(answers, ['new', ...answers.slice(1).map(() => 'repeat')])
  assert.is(arms.take({ agent: 'x', fence: 1, born: 1, seq: 9, fromBorn: 1, from: 9 }), 'stale')
  await two.close()
})

test('without a gate an effect is done once and at once; what cannot be done is a dead letter', async () => {
  const bench = await openBench()
  const notes = bench.grid.map<number>('notes')
  const machine = createMachine({
    on: {
      go: { actions: [put(notes, 'k', 1), send('receiver', { type: 'note', n: 1 }), send('nobody', { type: 'note' }), command('arm', 1)] },
    },
  })
  const to = await bench.system.spawn(receiver, { id: 'receiver' })
  const agent = await bench.system.spawn(machine)
  agent.send({ type: 'go' })
  await bench.settle()
  assert.is(notes.peek('k')?.value, 1)
  assert.equal(to.snapshot.context.notes, [1])
  assert.equal(
    bench.system.deadLetters.recent.map(({ agentId, reason }) => `${agentId} ${reason}`),
    ['nobody undeliverable', 'arm undeliverable'],
  )
  await bench.close()
})

test.run()
