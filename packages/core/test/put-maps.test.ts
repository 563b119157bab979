import { createVirtualClock, openGrid, type Grid, type GridMap, type MapOptions, type VirtualClock } from '@stigmergy/grid'
import { createMachine, enqueueActions, fromCallback, setup, type AnyStateMachine } from 'xstate'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createSystem, isCoreError, memoryStore, put, type ActorSystem, type Store, type SystemOptions } from '../src/index.ts'

const test = suite('maps of put')

interface Process {
  readonly grid: Grid
  readonly system: ActorSystem
  end(): Promise<void>
}

async function begin(clock: VirtualClock, store: Store, id: string, options: Partial<SystemOptions> = {}): Promise<Process> {
  const grid = await openGrid({ clock, id })
  const system = createSystem({ grid, clock, store, random: () => 0, ...options })
  return {
    grid,
    system,
    async end() {
      await system.close()
      await grid.close()
    },
  }
}

/** Puts 1 under `k` when it hears `go`. */
const putting = (map: GridMap<number>): AnyStateMachine =>
  createMachine({ id: 'm', on: { go: { actions: put(map, 'k', 1) } } }) as unknown as AnyStateMachine
const silent = createMachine({ id: 'm' })

/** The same map behind a breaker that is open for ever. */
async function jammed(system: ActorSystem, map: GridMap<number>): Promise<GridMap<number>> {
  const api = system.dependency('api', { breaker: { failures: 1, openMs: 1e9 } })
  await api.call(() => Promise.reject(new Error('down'))).catch(() => undefined)
  return api.map(map)
}

/** A process that has committed a put into the map and could not do it. */
async function leftUndone(clock: VirtualClock, store: Store, name = 'parts'): Promise<void> {
  const one = await begin(clock, store, 'one')
  const agent = await one.system.spawn(putting(await jammed(one.system, one.grid.map<number>(name))), { id: 'a', durability: 'gated' })
  agent.send({ type: 'go' })
  await clock.advance(100)
  await one.end()
}

const valueOf = (map: GridMap<number>): number | undefined => map.peek('k')?.value

for (const durability of ['none', 'gated'] as const) {
  test(`${durability}: a put goes into the map it was given: of another grid, and through its guard`, async () => {
    const clock = createVirtualClock()
    const { system, grid, end } = await begin(clock, memoryStore(), 'here')
    const elsewhere = await openGrid({ clock, id: 'elsewhere' })
    const parts = elsewhere.map<number>('parts')
    const bins = await jammed(system, grid.map<number>('bins'))
    for (const [id, map] of Object.entries({ parts, bins })) {
      const agent = await system.spawn(putting(map), { id, durability })
      agent.send({ type: 'go' })
    }
    await clock.advance(1000)
    assert.is(valueOf(parts), 1)
    assert.not(grid.mapNames.includes('parts'), 'and none of that name is opened here')
    assert.is(valueOf(bins), undefined, 'its breaker is open')
    assert.ok(system.dependency('api').stats.refusedOpen > 0)
    await end()
    await elsewhere.close()
  })
}

test('a put of an earlier process waits until the program has opened the map, and has its options (I9)', async () => {
  const clock = createVirtualClock()
  const store = memoryStore()
  await leftUndone(clock, store)
  const two = await begin(clock, store, 'two')
  await two.system.spawn(silent, { id: 'a', durability: 'gated' })
  await clock.advance(3000)
  assert.equal(two.grid.mapNames, [], 'it opens none')
  const options: MapOptions<number> = { schemaVersion: 2, upgrade: (value) => value as number }
  const parts = two.grid.map<number>('parts', options)
  await clock.advance(1500)
  assert.equal([parts.peek('k')?.value, parts.peek('k')?.schemaVersion], [1, 2])
  assert.is(two.system.deadLetters.count, 0)
  await two.end()
})

test('where nobody opens the map it becomes a dead letter that says so; replayed once it is open, it is done', async () => {
  const clock = createVirtualClock()
  const store = memoryStore()
  await leftUndone(clock, store)
  const two = await begin(clock, store, 'two')
  await two.system.spawn(silent, { id: 'a', durability: 'gated', gate: { giveUpMs: 5000 } })
  await clock.advance(7000)
  const [letter] = two.system.deadLetters.list({ type: 'agent.put' })
  const { type, kind, map, key, value, why } = { ...(letter?.event as object) } as Record<string, unknown>
  assert.equal({ type, kind, map, key, value }, { type: 'agent.put', kind: 'put', map: 'parts', key: 'k', value: 1 })
  assert.match(String(why), 'no map "parts" is open in this process')
  const parts = two.grid.map<number>('parts')
  assert.is(two.system.deadLetters.replay(), 1)
  await clock.advance(10)
  assert.is(valueOf(parts), 1)
  await two.end()
})

test('the map that the machine of a restored agent puts into is the one: also of another grid, guarded, and of a child', async () => {
  const clock = createVirtualClock()
  for (const below of [false, true]) {
    const store = memoryStore()
    await leftUndone(clock, store)
    const two = await begin(clock, store, 'two')
    const elsewhere = await openGrid({ clock, id: 'elsewhere' })
    const [own, other] = [two.grid.map<number>('parts'), elsewhere.map<number>('parts')]
    const guarded = two.system.dependency('two').map(other)
    // The bare one as well: whoever guards a map once means it.
    const kid = createMachine({ on: { go: { actions: [put(other, 'k', 2), put(guarded, 'k', 3)] } } })
    const machine = below
      ? setup({ actors: { kid } }).createMachine({
          id: 'm',
          on: { go: '.x' },
          initial: 'y',
          states: { x: { invoke: { src: 'kid' } }, y: {} },
        })
      : kid
    await two.system.spawn(machine as never, { id: 'a', type: 'm', durability: 'gated', watch: { own } } as never)
    await clock.advance(1500)
    assert.equal([valueOf(other), valueOf(own)], [1, undefined])
    assert.is(two.system.dependency('two').stats.succeeded, 1)
    await two.end()
    await elsewhere.close()
  }
})

test('a machine that puts nowhere by itself: the map that the agent watches is the one', async () => {
  const clock = createVirtualClock()
  const store = memoryStore()
  await leftUndone(clock, store)
  const two = await begin(clock, store, 'two')
  const elsewhere = await openGrid({ clock, id: 'elsewhere' })
  const [own, other] = [two.grid.map<number>('parts'), elsewhere.map<number>('parts')]
  const machine = createMachine({ id: 'm', on: { go: { actions: enqueueActions(({ enqueue }) => enqueue(put(own, 'k', 2))) } } })
  await two.system.spawn(machine, { id: 'a', durability: 'gated', watch: { mine: other } } as never)
  await clock.advance(1500)
  assert.equal([valueOf(other), valueOf(own)], [1, undefined])
  await two.end()
  await elsewhere.close()
})

test('of several maps of that name none is guessed, until the system says which', async () => {
  const clock = createVirtualClock()
  for (const says of [false, true]) {
    const store = memoryStore()
    await leftUndone(clock, store)
    const elsewhere = await openGrid({ clock, id: 'elsewhere' })
    const other = elsewhere.map<number>('parts')
    const two = await begin(clock, store, 'two', says ? { maps: (name) => (name === 'parts' ? other : undefined) } : {})
    const own = two.grid.map<number>('parts')
    const machine = createMachine({ id: 'm', on: { go: { actions: put(own, 'k', 2) }, there: { actions: put(other, 'k', 2) } } })
    await two.system.spawn(machine, { id: 'a', durability: 'gated', gate: { giveUpMs: 1000 } })
    await clock.advance(3000)
    assert.equal([valueOf(own), valueOf(other)], [undefined, says ? 1 : undefined])
    const why = two.system.deadLetters.recent.map(({ event }) => (event as { why?: string }).why)
    if (says) assert.equal(why, [])
    else assert.match(String(why), 'several maps "parts"')
    await two.end()
    await elsewhere.close()
  }
})

test('`maps` goes before the map a put was given; what it returns must be one', async () => {
  const clock = createVirtualClock()
  const elsewhere = await openGrid({ clock, id: 'elsewhere' })
  const other = elsewhere.map<number>('parts')
  for (const [id, answer, wanted] of [
    ['other', other, [undefined, 1]],
    ['silent', undefined, [1, 1]],
    ['wrong', 5, [undefined, 1]],
  ] as const) {
    const { system, grid, end } = await begin(clock, memoryStore(), id, { maps: () => answer as never })
    const own = grid.map<number>('parts')
    const agent = await system.spawn(putting(own), { id: 'a' })
    agent.send({ type: 'go' })
    await clock.advance(100)
    assert.equal([valueOf(own), valueOf(other)], wanted)
    if (id === 'wrong')
      assert.match(String((system.deadLetters.recent[0]?.event as { why?: string } | undefined)?.why), 'maps("parts") is 5')
    await end()
  }
  await elsewhere.close()
  const grid = await openGrid({ clock })
  assert.throws(
    () => createSystem({ grid, maps: {} as never }),
    (error: unknown) => isCoreError(error, 'BAD_OPTION'),
  )
  await grid.close()
})

test('a child that is no machine is no place to look for maps', async () => {
  const clock = createVirtualClock()
  const store = memoryStore()
  await leftUndone(clock, store)
  const two = await begin(clock, store, 'two')
  const parts = two.grid.map<number>('parts')
  const machine = createMachine({
    id: 'm',
    initial: 'a',
    states: { a: {}, b: { invoke: [{ src: fromCallback(() => {}) }, { src: 'named' }] } },
  })
  await two.system.spawn(machine, { id: 'a', durability: 'gated' })
  await clock.advance(1500)
  assert.is(valueOf(parts), 1)
  await two.end()
})

test.run()
