import { assign, createMachine } from 'xstate'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { command, createSystem, send } from '../src/index.ts'
import { leavingStore } from './leaving-store.ts'
import { openBench, type Bench } from './support.ts'

const test = suite('an end while the store is away')

/** A store that goes away, and an arm that jams. */
const world = () => Object.assign(leavingStore(), { jams: false, done: [] as unknown[] })

type World = ReturnType<typeof world>

const open = (given: World): Promise<Bench> =>
  openBench({
    store: given.store,
    supervision: { maxRestarts: 0 },
    actuators: {
      arm(what) {
        if (given.jams) throw new Error('jam')
        given.done.push(what)
      },
    },
  })

const machine = createMachine({
  id: 'm',
  initial: 'a',
  states: {
    a: {
      on: {
        go: { actions: command('arm', 'go') },
        bye: 'z',
        boom: {
          actions: assign(() => {
            throw new Error('boom')
          }),
        },
      },
    },
    z: { type: 'final', entry: command('arm', 'bye') },
  },
})
const sender = createMachine({ id: 's', on: { go: { actions: send('a', { type: 'bye' }) } } })

test('the last state is stored once the store is back, and its effects leave: nothing is lost of a message either', async () => {
  const given = world()
  const bench = await open(given)
  const agent = await bench.system.spawn(machine, { id: 'a', durability: 'gated' })
  const from = await bench.system.spawn(sender, { id: 's', durability: 'gated' })
  from.send({ type: 'go' })
  // The sender's commit, and its message; then the store goes.
  for (let n = 0; n < 6 && agent.status === 'running'; n++) {
    await Promise.resolve()
    if (agent.snapshot.value === 'z') break
  }
  given.away = true
  await bench.clock.advance(3000)
  assert.equal([agent.status, given.done], ['done', []])
  given.away = false
  await bench.clock.advance(10_000)
  assert.equal([given.done, bench.system.deadLetters.count], [['bye'], 0])
  await bench.close()
})

test('with durability checkpoint too', async () => {
  const given = world()
  const bench = await open(given)
  const agent = await bench.system.spawn(machine, { id: 'a', durability: 'checkpoint' })
  agent.send({ type: 'bye' })
  given.away = true
  await bench.clock.advance(1000)
  given.away = false
  await bench.clock.advance(10_000)
  const again = await bench.system.spawn(machine, { id: 'a', durability: 'checkpoint' })
  assert.equal([agent.status, again.status, given.done], ['done', 'running', ['bye']])
  await bench.close()
})

test('whoever spawns it again meanwhile has its last state, if the store is back', async () => {
  const given = world()
  const bench = await open(given)
  given.jams = true
  const agent = await bench.system.spawn(machine, { id: 'a', durability: 'gated' })
  agent.send({ type: 'bye' })
  given.away = true
  await bench.clock.advance(20_000)
  given.away = false
  given.jams = false
  // Before the next try.
  const again = await Promise.all([bench.system.spawn(machine, { id: 'a', durability: 'gated' }), bench.clock.advance(100)])
  await bench.clock.advance(100)
  assert.equal([again[0].status, given.done], ['running', ['bye']])
  await bench.close()
})

test('a committed command goes on being tried, though the last state of a failed agent cannot be stored yet', async () => {
  const given = world()
  const bench = await open(given)
  given.jams = true
  const agent = await bench.system.spawn(machine, { id: 'a', durability: 'gated' })
  agent.send({ type: 'go' })
  await bench.clock.advance(50)
  given.away = true
  agent.send({ type: 'boom' })
  await bench.clock.advance(500)
  given.away = false
  given.jams = false
  await bench.clock.advance(20_000)
  assert.equal([agent.status, given.done], ['failed', ['go']])
  await bench.close()
})

test('what is done after the end is told to the store once it is back: no later spawn does it again', async () => {
  const given = world()
  const bench = await open(given)
  given.jams = true
  const agent = await bench.system.spawn(machine, { id: 'a', durability: 'gated' })
  agent.send({ type: 'go' })
  agent.send({ type: 'bye' })
  await bench.clock.advance(50)
  given.away = true
  given.jams = false
  await bench.clock.advance(5000)
  given.away = false
  await bench.clock.advance(20_000)
  assert.equal([agent.status, given.done], ['done', ['go', 'bye']])
  await bench.system.spawn(machine, { id: 'a', durability: 'gated' })
  await bench.clock.advance(1000)
  assert.equal(given.done, ['go', 'bye'])
  await bench.close()
})

test('a close with the store away says so, tries nothing for ever, and leaves no timer', async () => {
  const given = world()
  const bench = await open(given)
  const agent = await bench.system.spawn(machine, { id: 'a', durability: 'gated' })
  agent.send({ type: 'go' })
  await bench.clock.advance(10)
  given.away = true
  agent.send({ type: 'go' })
  const closed = bench.system.close().then(
    () => 'closed',
    (error: unknown) => String(error),
  )
  await bench.clock.advance(10_000)
  assert.match(await closed, 'ECONNREFUSED')
  assert.is(bench.clock.pending, 0)
  given.away = false
  const next = createSystem({ grid: bench.grid, clock: bench.clock, store: given.disk })
  assert.is((await next.spawn(machine, { id: 'a', durability: 'checkpoint' })).status, 'running')
  await next.close()
  await bench.grid.close()
})

test('an agent of the same id that is not stored takes over nothing, and cuts nothing off', async () => {
  const given = world()
  const bench = await open(given)
  given.jams = true
  const agent = await bench.system.spawn(machine, { id: 'a', durability: 'gated' })
  agent.send({ type: 'go' })
  agent.send({ type: 'bye' })
  await bench.clock.advance(100)
  const other = await bench.system.spawn(machine, { id: 'a' })
  given.jams = false
  await bench.clock.advance(5000)
  assert.equal([agent.status, other.status, given.done], ['done', 'running', ['go', 'bye']])
  await other.stop()
  const next = await bench.system.spawn(machine, { id: 'a', durability: 'gated' })
  await bench.clock.advance(1000)
  assert.equal([next.status, given.done], ['running', ['go', 'bye']])
  await bench.close()
})

test.run()
