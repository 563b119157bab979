import { createVirtualClock, openGrid, type TraceContext } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assign, createActor, createMachine, raise, sendTo, setup, spawnChild, type AnyActorRef, type AnyStateMachine } from 'xstate'
import { createSystem, memoryStore, type CoreHooks } from '../src/index.ts'
import { createMarked } from '../src/cell/violation-marks.ts'

const test = suite('violations')

const fail = (): never => {
  throw new Error('the brake is broken')
}

/** A robot cell: each event enters its violation by another way. */
const cell = setup({}).createMachine({
  id: 'cell',
  initial: 'work',
  context: { stops: 0 },
  states: {
    work: {
      on: {
        stay: { target: 'fence.open' },
        pass: 'touched',
        raised: { actions: raise({ type: 'bump' }) },
        bump: 'touched',
        brake: 'braking',
        count: 'counting',
        guess: 'guessing',
        again: 'cycle',
      },
    },
    fence: {
      initial: 'open',
      tags: 'area',
      states: { open: { tags: ['violation', 'loud'], on: { stay: {}, same: { target: 'open', reenter: true }, shut: '#cell.work' } } },
    },
    touched: { tags: 'violation', always: 'work' },
    // Its entry is an effect: it runs when all is decided.
    braking: { tags: 'violation', entry: fail },
    // These two throw while it is being decided.
    counting: { tags: 'violation', entry: assign({ stops: fail }) },
    guessing: { tags: 'violation', always: { target: 'work', guard: fail } },
    cycle: { tags: 'violation', always: 'back' },
    back: { always: 'cycle' },
  },
})

const alarm = setup({}).createMachine({
  id: 'alarm',
  initial: 'red',
  states: { red: { tags: 'violation', always: 'orange' }, orange: { tags: 'violation', on: { down: { actions: fail } } } },
})

async function openCell(hooks: CoreHooks = {}, durability: 'none' | 'gated' = 'none', machine: AnyStateMachine = cell) {
  const clock = createVirtualClock()
  const grid = await openGrid({ clock })
  const told: string[] = []
  let at: TraceContext | undefined
  const own: CoreHooks = {
    ...hooks,
    onTransitionEnd: ({ event, error, context }) => told.push(`${event}${error === undefined ? '' : ' failed'} ${context === at}`),
    onSpawn: ({ id }) => told.push(`${id} is there`),
    onRestart: (_, restarts) => told.push(`restart ${restarts}`),
    onViolation(agent, { state, trace }) {
      at = trace
      told.push(`${agent.id}: ${state}`)
    },
  }
  const system = createSystem({ grid, hooks: own, store: memoryStore() })
  const ref = await system.spawn(machine, { id: 'c', durability, supervision: { maxRestarts: 3, backoff: { minMs: 1, maxMs: 1 } } })
  return {
    system,
    ref,
    told,
    async after(type: string): Promise<string[]> {
      at = undefined
      told.length = 0
      system.send('c', { type })
      await clock.advance(100)
      return [...told]
    },
    async close() {
      await system.close()
      await grid.close()
    },
  }
}

for (const durability of ['none', 'gated'] as const) {
  test(`each state that is entered is told once, also where it is left again or its entry throws: ${durability}`, async () => {
    const context = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 }
    const bench = await openCell({ onTransitionStart: () => context }, durability)
    assert.equal(bench.told, ['c is there'])
    assert.equal(await bench.after('stay'), ['c: fence.open', 'stay true'])
    assert.equal(await bench.after('stay'), ['stay false'], 'it stays where it is')
    assert.equal(await bench.after('same'), ['c: fence.open', 'same true'], 'entered again')
    assert.equal(await bench.after('shut'), ['shut false'])
    assert.equal(await bench.after('pass'), ['c: touched', 'pass true'], 'left in the same macrostep')
    assert.equal(await bench.after('raised'), ['c: touched', 'raised true'], 'by an event it raised')
    for (const [event, state] of [
      ['count', 'counting'],
      ['guess', 'guessing'],
      ['brake', 'braking'],
    ] as const) {
      const [entered, ended, then] = await bench.after(event)
      // With a gate the effect waits for the commit: the transition is good, and what fails is the effect.
      const good = durability === 'gated' && event === 'brake'
      assert.equal([entered, ended], [`c: ${state}`, good ? 'brake true' : `${event} failed true`])
      if (good) assert.is(then, 'agent.effect failed true')
    }
    await bench.close()
  })
}

const gripper = setup({}).createMachine({
  id: 'gripper',
  initial: 'open',
  context: { force: 0 },
  states: {
    open: { on: { grip: 'closed', slip: 'slipped', press: 'pressed' } },
    closed: { tags: 'violation', always: 'open' },
    slipped: { tags: 'violation', entry: fail },
    pressed: { tags: 'violation', entry: assign({ force: fail }), after: { 10: 'open' } },
  },
})
const nested = createMachine({ id: 'nested', invoke: { id: 'inner', src: 'gripper' } }, { actors: { gripper } })
const say = (to: string, type: string) => ({ actions: sendTo(to, { type }) })
const robot: AnyStateMachine = createMachine(
  {
    id: 'robot',
    initial: 'rest',
    states: {
      rest: { on: { work: 'works', nest: 'nests', spawn: { actions: spawnChild('gripper', { id: 'spawned' }) } } },
      works: {
        invoke: { id: 'g', src: 'gripper', onError: 'rest' },
        on: { grip: say('g', 'grip'), slip: say('g', 'slip'), press: say('g', 'press') },
      },
      nests: {
        invoke: { id: 'n', src: 'nested' },
        on: { grip: { actions: ({ self }) => inner(self)?.send({ type: 'grip' }) } },
      },
    },
    on: { grip: say('spawned', 'grip') },
  },
  { actors: { gripper, nested } },
)

/** The child of its child. */
function inner(self: AnyActorRef): AnyActorRef | undefined {
  const childOf = (parent: AnyActorRef | undefined, id: string): AnyActorRef | undefined =>
    (parent?.getSnapshot() as { readonly children?: Readonly<Record<string, AnyActorRef>> } | undefined)?.children?.[id]
  return childOf(childOf(self, 'n'), 'inner')
}

for (const durability of ['none', 'gated'] as const) {
  test(`those of the children of an agent are told with the child: ${durability}`, async () => {
    const bench = await openCell({}, durability, robot)
    const violations = async (type: string): Promise<string[]> => (await bench.after(type)).filter((line) => line.startsWith('c: '))
    assert.equal(await violations('work'), [])
    assert.equal(await violations('grip'), ['c: g/closed'])
    assert.equal(await violations('slip'), ['c: g/slipped'])
    await bench.after('work')
    assert.equal(await violations('press'), ['c: g/pressed'])
    assert.equal(await violations('spawn'), [])
    assert.equal(await violations('grip'), ['c: spawned/closed'])
    await bench.after('nest')
    assert.equal(await violations('grip'), ['c: inner/closed'])
    await bench.close()
  })
}

test('a violation that is entered without end is told as often as it was, and ends', async () => {
  const bench = await openCell()
  const told = await bench.after('again')
  assert.is(told.filter((line) => line === 'c: cycle').length, 2501)
  assert.ok(told.some((line) => line.startsWith('again failed')))
  await bench.close()
})

test('what an agent begins with is told after its spawn, and again where it begins anew', async () => {
  const bench = await openCell({}, 'none', alarm)
  assert.equal(bench.told, ['c is there', 'c: red', 'c: orange'])
  const told = await bench.after('down')
  assert.equal(told, ['down failed true', 'restart 1', 'c: red', 'c: orange', 'agent.restored true'])
  await bench.close()
})

test('what is restored was told before', async () => {
  const bench = await openCell({}, 'gated')
  await bench.after('stay')
  await bench.ref.stop()
  bench.told.length = 0
  const again = await bench.system.spawn(cell, { id: 'c', durability: 'gated' })
  assert.equal([again.snapshot.value, bench.told[0]], [{ fence: 'open' }, 'c is there'])
  assert.not.ok(bench.told.some((line) => line.startsWith('c: ')))
  await bench.close()
})

test('one that fails as it begins anew is told; one that never begins is not', async () => {
  let broken = false
  const brittle = setup({}).createMachine({
    id: 'brittle',
    initial: 'red',
    context: { n: 0 },
    states: { red: { tags: 'violation', entry: assign({ n: () => (broken ? fail() : 1) }), on: { boom: { actions: fail } } } },
  })
  const bench = await openCell({}, 'none', brittle)
  broken = true
  const told = await bench.after('boom')
  assert.is(told.filter((line) => line === 'c: red').length, 3, 'at each of its restarts')
  bench.told.length = 0
  const why = await bench.system.spawn(brittle, { id: 'd' }).catch((error: unknown) => error)
  assert.match(String(why), 'the brake is broken')
  assert.equal(bench.told, [])
  await bench.close()
})

test('the machine given stays as it is, one copy serves all, and one without violations is not copied', () => {
  const marked = createMarked()
  const plain = setup({}).createMachine({ initial: 'a', states: { a: { tags: 'stage:planning' } } })
  assert.is(marked(plain), plain)
  assert.is(marked(cell), marked(cell))
  assert.is.not(marked(cell), cell)
  assert.is(cell.root.states['touched']?.entry.length, 0)
  assert.is(marked(cell).root.states['touched']?.entry.length, 1)
  assert.is(marked(setup({}).createMachine({ tags: 'violation' })).root.entry.length, 1, 'the root too')
})

test('a marked machine does what the given one does, also where nobody listens', () => {
  const [given, marked] = [cell, createMarked()(cell)].map((machine) => {
    const actor = createActor(machine as typeof cell).start()
    const seen = ['pass', 'stay', 'same', 'shut', 'raised'].map((type) => {
      actor.send({ type })
      const { value, context, status } = actor.getSnapshot()
      return [value, context, status]
    })
    return [seen, actor.getPersistedSnapshot()]
  })
  assert.equal(marked, given)
})

test.run()
