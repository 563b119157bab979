import { createVirtualClock, openGrid, type VirtualClock } from '@stigmergy/grid'
import { createAuthority, createMemoryLeases, type Authority, type LeaseTable } from '@stigmergy/grid/store'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assign, createMachine } from 'xstate'
import { command, createSystem, isCoreError, memoryStore, type ActorSystem, type Store, type SystemOptions } from '../src/index.ts'
import { slowStore } from './slow-store.ts'
import { add, counter, recorder } from './support.ts'

const test = suite('authority')

const LEASE_MS = 300

interface Process {
  readonly system: ActorSystem
  readonly log: readonly string[]
  /** What it asks the authority fails from now on. */
  cut(): void
  close(): Promise<void>
}

/** A process of its own, over leases and a store that are shared. */
async function openProcess(id: string, clock: VirtualClock, leases: LeaseTable, options: Partial<SystemOptions>): Promise<Process> {
  let reached = true
  const ask = <T>(fn: () => Promise<T>): Promise<T> => (reached ? fn() : Promise.reject(new Error('out of reach')))
  const table: LeaseTable = {
    read: (name) => ask(() => leases.read(name)),
    swap: (name, tag, row) => ask(() => leases.swap(name, tag, row)),
  }
  const authority = createAuthority(table, { clock })
  const grid = await openGrid({ clock, id })
  const hooks = recorder()
  const system = createSystem({ grid, clock, authority, leaseMs: LEASE_MS, random: () => 0, hooks, ...options })
  return {
    system,
    log: hooks.log,
    cut: () => (reached = false),
    async close() {
      await system.close()
      await authority.close()
      await grid.close()
    },
  }
}

async function refused(promise: Promise<unknown>, code: Parameters<typeof isCoreError>[1], text: RegExp): Promise<void> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(isCoreError(error, code), String(error))
  assert.match(error.message, text)
}

test('an agent commits with the fence of its lease; nobody else starts it until it has stopped', async () => {
  const [clock, leases, store] = [createVirtualClock(), createMemoryLeases(), memoryStore()]
  const a = await openProcess('a', clock, leases, { store })
  const b = await openProcess('b', clock, leases, { store })
  const one = await a.system.spawn(counter, { id: 'x', durability: 'checkpoint' })
  assert.equal((await store.get('x'))?.fence, { owner: 'a', token: 1 })
  await refused(b.system.spawn(counter, { id: 'x', durability: 'checkpoint' }), 'LEASE_HELD', /agent "x" is held by "a"/)
  assert.equal(b.system.agents, [])
  one.send(add(2))
  // Much longer than a lease: it is renewed.
  await clock.advance(10 * LEASE_MS)
  assert.equal([one.status, one.snapshot.context.sum], ['running', 2])
  await one.stop()
  const two = await b.system.spawn(counter, { id: 'x', durability: 'checkpoint' })
  assert.is(two.snapshot.context.sum, 2)
  assert.equal((await store.get('x'))?.fence, { owner: 'b', token: 2 })
  assert.is(await createAuthority(leases, { clock }).current('agent/none'), undefined)
  // What is not stored needs no leave.
  await a.system.spawn(counter, { id: 'x' })
  await a.close()
  await b.close()
  assert.is(clock.pending, 0)
})

for (const durability of ['checkpoint', 'gated'] as const) {
  test(`${durability}: when its lease is over by its own clock it stops, tells, and is not restarted; the next process goes on`, async () => {
    const [clock, leases, store] = [createVirtualClock(), createMemoryLeases(), memoryStore()]
    const moved: string[] = []
    const machine = createMachine({
      types: {} as { context: { n: number }; events: { type: 'go' } | { type: 'agent.restored' } },
      id: 'mover',
      context: { n: 0 },
      on: { go: { actions: [assign({ n: ({ context }) => context.n + 1 }), command('arm', ({ context }) => context.n)] } },
    })
    const arm =
      (name: string) =>
      (n: unknown): void =>
        void moved.push(`${name} ${n as number}`)
    let commits = 0
    const counted: Store = { ...store, commit: (...args) => ((commits += 1), store.commit(...args)) }
    const a = await openProcess('a', clock, leases, { store: counted, actuators: { arm: arm('a') } })
    const b = await openProcess('b', clock, leases, { store, actuators: { arm: arm('b') }, leaseWaitMs: 10 * LEASE_MS })
    const one = await a.system.spawn(machine, { id: 'x', durability })
    one.send({ type: 'go' })
    await clock.advance(100)
    assert.equal(moved, ['a 1'])
    a.cut()
    const waiting = b.system.spawn(machine, { id: 'x', durability })
    await clock.advance(LEASE_MS)
    assert.equal([one.status, a.system.agents], ['failed', []])
    assert.equal(a.log.slice(-2), ['failure on checkpoint: stop', 'stop x failed'])
    const before = commits
    one.send({ type: 'go' })
    await clock.advance(LEASE_MS)
    const two = await waiting
    await clock.advance(100)
    assert.is(commits, before, 'nothing is written by it any more')
    two.send({ type: 'go' })
    await clock.advance(100)
    assert.equal([moved, two.snapshot.context.n], [['a 1', 'b 2'], 2])
    await a.close()
    await b.close()
    assert.is(clock.pending, 0)
  })
}

test('what was on its way when the lease ended may still be stored; what follows from it is for the next process', async () => {
  const [clock, leases, store] = [createVirtualClock(), createMemoryLeases(), slowStore()]
  const moved: string[] = []
  const machine = createMachine({
    types: {} as { context: { n: number }; events: { type: 'go' } | { type: 'agent.restored' } },
    id: 'mover',
    context: { n: 0 },
    on: { go: { actions: [assign({ n: ({ context }) => context.n + 1 }), command('arm', ({ context }) => context.n)] } },
  })
  const arm = (name: string) => ({ arm: (n: unknown): void => void moved.push(`${name} ${n as number}`) })
  const a = await openProcess('a', clock, leases, { store, actuators: arm('a') })
  const one = await a.system.spawn(machine, { id: 'x', durability: 'gated' })
  store.hold()
  one.send({ type: 'go' })
  await clock.advance(0)
  // This one is to be written when that one is.
  one.send({ type: 'go' })
  a.cut()
  await clock.advance(LEASE_MS)
  assert.equal([one.status, store.waiting], ['failed', 1])
  store.flow()
  await clock.advance(100)
  assert.equal(moved, [])
  await a.close()
  const b = await openProcess('b', clock, leases, { store, actuators: arm('b'), leaseWaitMs: 10 * LEASE_MS })
  const spawning = b.system.spawn(machine, { id: 'x', durability: 'gated' })
  await clock.advance(2 * LEASE_MS)
  const two = await spawning
  await clock.advance(100)
  assert.equal([two.snapshot.context.n, moved], [1, ['b 1']])
  await b.close()
  assert.is(clock.pending, 0)
})

test('one that sleeps keeps its lease, and loses it like any other', async () => {
  const [clock, leases, store] = [createVirtualClock(), createMemoryLeases(), memoryStore()]
  const a = await openProcess('a', clock, leases, { store })
  const one = await a.system.spawn(counter, { id: 'x', durability: 'checkpoint' })
  one.send(add(1))
  await clock.advance(10 * LEASE_MS)
  await one.stop()
  // Restored, it stays as bytes.
  const again = await a.system.spawn(counter, { id: 'x', durability: 'checkpoint' })
  await clock.advance(10 * LEASE_MS)
  assert.equal((await store.get('x'))?.fence, { owner: 'a', token: 2 })
  a.cut()
  await clock.advance(LEASE_MS)
  assert.equal([again.status, a.log.at(-1)], ['failed', 'stop x failed'])
  await a.close()
  assert.is(clock.pending, 0)
})

test('a lease that ends while the agent starts is an error of spawn, and so is an authority that gives no answer', async () => {
  const [clock, leases, inner] = [createVirtualClock(), createMemoryLeases(), memoryStore()]
  let let_: () => void = () => undefined
  const store: Store = {
    ...inner,
    get: (id) => new Promise((resolve) => (let_ = () => resolve(inner.get(id)))),
  }
  const a = await openProcess('a', clock, leases, { store })
  const spawning = a.system.spawn(counter, { id: 'x', durability: 'checkpoint' })
  await clock.advance(0)
  a.cut()
  await clock.advance(LEASE_MS)
  let_()
  await refused(spawning, 'LEASE_LOST', /the lease of agent "x" with token 1 is over/)
  await a.close()

  const never = new Promise<never>(() => undefined)
  const deaf: Authority = { ...createAuthority(createMemoryLeases(), { clock }), acquire: () => never }
  const c = await openProcess('c', clock, leases, { authority: deaf, storeTimeoutMs: 200 })
  const asking = refused(
    c.system.spawn(counter, { id: 'x', durability: 'checkpoint' }),
    'STORE_TIMEOUT',
    /authority did not answer within 200 ms for "agent\/x"/,
  )
  await clock.advance(200)
  await asking
  await c.close()
})

test('a store that another authority gave leave to write is left alone; options are checked', async () => {
  const [clock, leases, store] = [createVirtualClock(), createMemoryLeases(), memoryStore()]
  await store.commit('x', 0, { owner: 'old', token: 9 }, Uint8Array.of())
  const a = await openProcess('a', clock, leases, { store })
  await refused(a.system.spawn(counter, { id: 'x', durability: 'checkpoint' }), 'STORE_FENCED', /token 9 of agent "x", its lease has 1/)
  assert.is((await store.get('x'))?.rev, 1)
  await a.close()
  const grid = await openGrid({ clock })
  const wrong: readonly [Partial<SystemOptions>, RegExp][] = [
    [{ authority: 'boss' as unknown as Authority }, /authority is "boss"/],
    [{ leaseMs: 0 }, /leaseMs is 0/],
    [{ leaseWaitMs: -1 }, /leaseWaitMs is -1/],
  ]
  for (const [options, text] of wrong) assert.throws(() => createSystem({ grid, ...options }), text)
  await grid.close()
})

test.run()
