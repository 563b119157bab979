import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createMachine } from 'xstate'
import { command, isCoreError, memoryStore, SeenEffects, send, type CommandInfo, type EffectOrigin, type Store } from '../src/index.ts'
import { openBench, type Bench } from './support.ts'

const test = suite('names of effects')

/** An arm that outlives every process, and passes repeats over. */
function carefulArm(): { readonly did: unknown[]; arm(payload: unknown, info: CommandInfo): void } {
  const did: unknown[] = []
  const seen = new SeenEffects()
  return {
    did,
    arm(payload, { origin }) {
      if (origin === undefined || seen.take(origin) === 'new') did.push(payload)
    },
  }
}

/** A store whose process can be killed, or which can be out of reach for it. */
function storeOf(inner: Store): { readonly store: Store; state: 'well' | 'gone' | 'dead' } {
  const never = new Promise<never>(() => undefined)
  const handle: { store: Store; state: 'well' | 'gone' | 'dead' } = {
    state: 'well',
    store: {
      ...inner,
      get: (id) => (handle.state === 'dead' ? never : inner.get(id)),
      async commit(...args) {
        if (handle.state === 'dead') return never
        if (handle.state === 'gone') throw new Error('gone')
        return inner.commit(...args)
      },
    },
  }
  return handle
}

const abandon = async (bench: Bench): Promise<void> => {
  const closed = bench.system.close({ timeoutMs: 1 }).catch(() => undefined)
  await bench.clock.advance(1)
  await closed
  await bench.grid.close()
}

const worker = createMachine({
  id: 'worker',
  types: {} as { events: { type: 'go'; n: unknown } },
  on: { go: { actions: command('arm', ({ event }) => event.n as number) } },
})

test('a message that brought its receiver to its end is handled once, also when its sender did not hear of it', async () => {
  const disk = memoryStore()
  const mortal = storeOf(disk)
  const { did, arm } = carefulArm()
  const sender = createMachine({
    id: 'a',
    initial: 'i',
    states: { i: { on: { go: { target: 'told', actions: send('b', { type: 'x' }) } } }, told: {} },
  })
  const receiver = createMachine({
    id: 'b',
    initial: 'i',
    states: { i: { on: { x: 'f' } }, f: { type: 'final', entry: command('arm', 'weld') } },
  })
  const one = await openBench({ store: mortal.store, actuators: { arm } })
  await one.system.spawn(receiver, { id: 'b', durability: 'gated' })
  const from = await one.system.spawn(sender, { id: 'a', durability: 'gated' })
  one.system.use({ onCheckpoint: ({ id }) => void (id === 'b' && (mortal.state = 'dead')) })
  from.send({ type: 'go' })
  await one.settle()
  assert.equal(did, ['weld'])
  await abandon(one)

  const two = await openBench({ store: disk, actuators: { arm } })
  const again = await two.system.spawn(receiver, { id: 'b', durability: 'gated' })
  await two.system.spawn(sender, { id: 'a', durability: 'gated' })
  await two.clock.advance(2000)
  assert.is(again.snapshot.value, 'i')
  assert.equal([did, two.system.repeats], [['weld'], 1])
  await two.close()
})

test('what a spawn said that failed later does not make repeats of what the next one says', async () => {
  const { did, arm } = carefulArm()
  const bench = await openBench({ store: memoryStore(), actuators: { arm } })
  const heard: unknown[] = []
  const receiver = createMachine({ id: 'b', types: {} as { events: { type: 'hi'; n: number } }, on: { hi: {} } })
  bench.system.use({ onTransitionEnd: ({ event }) => void (event === 'hi' && heard.push(event)) })
  await bench.system.spawn(receiver, { id: 'b', durability: 'gated' })
  let broken = true
  const machine = createMachine({
    id: 'a',
    entry: [
      send('b', { type: 'hi' }),
      command('arm', () => (broken ? 'first' : 'second')),
      () => {
        if (broken) throw new Error('the port is busy')
      },
    ],
  })
  await bench.system.spawn(machine, { id: 'a', durability: 'gated' }).then(
    () => assert.unreachable('it should fail'),
    (error: unknown) => assert.ok(isCoreError(error, 'START_FAILED')),
  )
  await bench.settle()
  assert.equal([did, heard.length], [['first'], 1])
  broken = false
  await bench.system.spawn(machine, { id: 'a', durability: 'gated' })
  await bench.clock.advance(1000)
  assert.equal([did, heard.length, bench.system.repeats], [['first', 'second'], 2, 0])
  await bench.close()
})

test('what an agent said uncommitted, while its store was gone, does not make repeats of what the next process says', async () => {
  const disk = memoryStore()
  const mortal = storeOf(disk)
  const { did, arm } = carefulArm()
  const one = await openBench({ store: mortal.store, actuators: { arm } })
  const agent = await one.system.spawn(worker, { id: 'a', durability: 'gated', gate: { whenStoreGone: 'degrade', goneAfterMs: 1000 } })
  mortal.state = 'gone'
  for (const n of [1, 2]) {
    agent.send({ type: 'go', n })
    await one.clock.advance(10_000)
  }
  assert.equal(did, [1, 2])
  mortal.state = 'dead'
  await abandon(one)

  const two = await openBench({ store: disk, actuators: { arm } })
  const again = await two.system.spawn(worker, { id: 'a', durability: 'gated' })
  for (const n of [3, 4, 5]) again.send({ type: 'go', n })
  await two.settle()
  assert.equal(did, [1, 2, 3, 4, 5])
  await two.close()
})

test('an agent that is not gated any more still does what it has promised', async () => {
  const disk = memoryStore()
  const { did, arm } = carefulArm()
  const one = await openBench({
    store: disk,
    actuators: {
      arm() {
        throw new Error('jammed')
      },
    },
  })
  const agent = await one.system.spawn(worker, { id: 'a', durability: 'gated' })
  agent.send({ type: 'go', n: 1 })
  await one.settle()
  await one.close()

  for (const [durability, n] of [
    ['checkpoint', 2],
    ['gated', 3],
  ] as const) {
    const bench = await openBench({ store: disk, actuators: { arm } })
    const next = await bench.system.spawn(worker, { id: 'a', durability })
    await bench.settle()
    next.send({ type: 'go', n })
    await bench.clock.advance(1000)
    await bench.close()
  }
  assert.equal(did, [1, 2, 3])
})

test('rows of a version that did not note who said an effect first are understood', () => {
  const origin = (fence: number, born: number, seq: number, fromBorn = born, from = seq): EffectOrigin => ({
    agent: 'a',
    fence,
    born,
    seq,
    fromBorn,
    from,
  })
  const seen = new SeenEffects([['a', 3, 5, 5, 7]])
  assert.equal(seen.rows, [['a', 3, [0, 5], [0, 5, 7]]])
  assert.is(seen.take(origin(4, 0, 4)), 'repeat', 'all before that are done')
  assert.is(seen.take(origin(4, 0, 6, 0, 5)), 'new')
  assert.is(seen.take(origin(4, 0, 7, 0, 6)), 'repeat')
  assert.is(seen.take(origin(4, 4, 1, 0, 7)), 'new')
  assert.is(seen.take(origin(4, 4, 1, 0, 7)), 'repeat')
  seen.untake(origin(4, 4, 1))
  assert.is(seen.take(origin(4, 4, 1, 4, 1)), 'new', 'it was not taken after all')
  assert.is(seen.take(origin(3, 3, 9)), 'stale')
  assert.equal(seen.rows, [['a', 4, [4, 1], [4, 1]]])
  assert.equal(new SeenEffects(seen.rows).rows, seen.rows)
})

test.run()
