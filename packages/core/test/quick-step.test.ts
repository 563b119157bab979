import { createVirtualClock } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  assign,
  createMachine,
  emit,
  enqueueActions,
  fromCallback,
  setup,
  transition,
  raise,
  sendTo,
  type AnyActorRef,
  type AnyEventObject,
  type AnyMachineSnapshot,
  type AnyStateMachine,
} from 'xstate'
import { Host } from '../src/cell/host.ts'
import type { HostOwner } from '../src/cell/host-owner.ts'
import { Deciding } from '../src/cell/stepper.ts'
import { below, forSeeds } from './seeds.ts'

/** Steps that stay in their state, without what XState does for those that leave it: the same comes of them. */
const test = suite('quick step')

interface Decided {
  readonly snapshot: AnyMachineSnapshot
  readonly effects: readonly string[]
}

/** A host of the machine; `quick`: how many steps did not go XState's way. */
function hostOf(machine: AnyStateMachine): { readonly host: Host; quick(): number } {
  const deciding = new Deciding()
  let quick = 0
  const step = deciding.quick.step.bind(deciding.quick)
  deciding.quick.step = (...args) => {
    const next = step(...args)
    if (next !== undefined) quick += 1
    return next
  }
  const environment = { clock: createVirtualClock(), logger: () => undefined, deciding, slot: { current: undefined } }
  const host = new Host({ id: 'x', machine, environment, gate: undefined }, {} as HostOwner)
  host.prepare(undefined, undefined)
  host.start(() => undefined)
  return { host, quick: () => quick }
}

const typesOf = (effects: readonly unknown[]): readonly string[] =>
  effects.filter((effect) => typeof effect !== 'function').map((effect) => (effect as { type: string }).type)

function ours(host: Host, event: AnyEventObject): Decided {
  const { snapshot, effects } = host.step(event)
  return { snapshot, effects: typesOf(effects) }
}

function theirs(machine: AnyStateMachine, before: AnyMachineSnapshot, event: AnyEventObject): Decided {
  const [snapshot, effects] = transition(machine, before as never, event as never)
  return { snapshot: snapshot as AnyMachineSnapshot, effects: typesOf(effects) }
}

const partsOf = ({ value, context, status, output, error, tags, historyValue, children, _nodes }: AnyMachineSnapshot): object => ({
  value,
  context,
  status,
  output,
  error,
  tags: [...tags],
  historyValue,
  children: Object.keys(children),
  nodes: _nodes.map(({ id }) => id),
})

interface Context {
  readonly n: number
  readonly seen: readonly string[]
}

const ACTIONS = [
  assign<Context, AnyEventObject, undefined, AnyEventObject, never>({ n: ({ context }) => context.n + 1 }),
  assign<Context, AnyEventObject, undefined, AnyEventObject, never>(({ context, event }) => ({ seen: [...context.seen, event.type] })),
  function note() {},
  () => undefined,
  'named',
  { type: 'named', params: { a: 1 } },
  emit({ type: 'told' }),
  raise({ type: 'b' }),
  sendTo(({ self }) => self, { type: 'c' }),
  enqueueActions(({ enqueue }) => enqueue('named')),
]
const TYPES = ['a', 'b', 'c', 'd.e', 'd.f']

/** A machine by chance: some of its transitions stay, some of its states do something by themselves. */
function chanceMachine(random: () => number): AnyStateMachine {
  const pick = <T>(list: readonly T[]): T => list[below(random, list.length)] as T
  const actions = (): unknown[] =>
    Array.from({ length: below(random, 3) }, () => pick(below(random, 4) > 0 ? ACTIONS.slice(0, 4) : ACTIONS))
  const one = (): object => ({
    actions: actions(),
    ...(below(random, 6) === 0 && { target: pick(['.', '#one', '#two', '#deep']) === '.' ? undefined : pick(['#one', '#two', '#deep']) }),
    ...(below(random, 5) === 0 && { guard: ({ context }: { context: Context }) => context.n % 2 === 0 }),
    ...(below(random, 8) === 0 && { reenter: true }),
  })
  const on = (): object =>
    Object.fromEntries(
      [...TYPES, 'd.*', '*'].filter(() => below(random, 3) === 0).map((type) => [type, below(random, 3) === 0 ? [one(), one()] : one()]),
    )
  const always = (): object =>
    below(random, 6) === 0
      ? { always: { guard: ({ context }: { context: Context }) => context.n === 3, actions: ACTIONS.slice(0, 1) } }
      : {}
  const state = (id: string): object => ({ id, on: on(), tags: [id], ...always() })
  return createMachine({
    options: { maxIterations: 30 },
    context: { n: 0, seen: [] },
    on: on(),
    ...always(),
    initial: 'one',
    states: {
      one: state('one'),
      two: { ...state('two'), type: below(random, 4) === 0 ? 'parallel' : undefined, states: { p: {}, q: {} }, initial: 'p' },
      deep: { ...state('deep'), initial: 'er', states: { er: state('er'), end: { type: 'final' } } },
    },
  } as never).provide({ actions: { named: () => undefined } } as never)
}

test('whatever is stepped so is as XState steps it: the snapshot, and what it wants done (seeded)', async () => {
  let quick = 0
  let all = 0
  await forSeeds(300, (random) => {
    const machine = chanceMachine(random)
    const known = hostOf(machine)
    for (let step = 0; step < 12; step++) {
      const event = { type: TYPES[below(random, TYPES.length)] as string }
      const last = known.host.snapshot
      const mine = (): object => {
        const { snapshot, effects } = ours(known.host, event)
        known.host.release([], snapshot)
        return { ...partsOf(snapshot), effects, same: snapshot === last }
      }
      let expected: object
      try {
        const { snapshot, effects } = theirs(machine, last, event)
        expected = { ...partsOf(snapshot), effects, same: snapshot === last }
      } catch {
        assert.throws(mine)
        break
      }
      assert.equal(mine(), expected)
      all += 1
      if (known.host.snapshot.status !== 'active') break
    }
    quick += known.quick()
  })
  assert.ok(quick > all / 10 && quick < all, `${quick} of ${all}`)
})

test('what throws in an assign is thrown, and nothing has changed', () => {
  const machine = createMachine({
    context: { n: 0 },
    on: {
      up: {
        actions: [
          assign({ n: 1 }),
          assign({
            n: () => {
              throw new Error('no')
            },
          }),
        ],
      },
    },
  })
  const { host, quick } = hostOf(machine)
  assert.throws(() => host.step({ type: 'up' }), 'no')
  assert.equal(host.snapshot.context, { n: 0 })
  assert.is(quick(), 0)
  assert.throws(() => host.step({ type: 'up' }), 'no')
})

test('a step without actions gives the very snapshot, and an event that nobody takes goes the long way', () => {
  const { host, quick } = hostOf(createMachine({ on: { nothing: {} } }))
  assert.is(host.step({ type: 'nothing' }).snapshot, host.snapshot)
  assert.is(quick(), 1)
  assert.is(host.step({ type: 'unknown' }).snapshot, host.snapshot)
  assert.is(quick(), 1)
})

test('what an assign spawns is spawned as XState does: before it ends, beside those there are, and started with the effects', () => {
  const started: unknown[] = []
  const note = fromCallback(({ input }) => void started.push(input))
  const machine = setup({ actors: { note } }).createMachine({
    context: { refs: [] },
    on: {
      more: {
        actions: [
          assign(({ context, spawn, event }) => ({
            refs: [
              ...(context as { refs: AnyActorRef[] }).refs,
              spawn('note', { id: `${event['name']}1`, input: 1, systemId: `${event['name']}` }),
              spawn(note, { id: `${event['name']}2`, input: 2 }),
            ],
          })),
          assign({ last: ({ spawn, event }) => spawn('note', { id: `${event['name']}3`, input: 3 }) }),
        ],
      },
    },
  } as never) as unknown as AnyStateMachine
  const { host, quick } = hostOf(machine)
  for (const name of ['a', 'b']) {
    const { snapshot, effects } = host.step({ type: 'more', name })
    assert.equal(started, name === 'a' ? [] : [1, 2, 3], 'nothing starts before the step is over')
    host.release(effects, snapshot)
  }
  const { children, context } = host.snapshot as {
    children: Record<string, AnyActorRef>
    context: { refs: AnyActorRef[]; last: AnyActorRef }
  }
  assert.is(quick(), 2)
  assert.equal(Object.keys(children), ['a1', 'a2', 'a3', 'b1', 'b2', 'b3'])
  assert.equal(started, [1, 2, 3, 1, 2, 3])
  assert.is(context.last, children['b3'])
  assert.is(context.refs[2], children['b1'])
  assert.is(host.system.get('a'), children['a1'])
  assert.throws(() => host.step({ type: 'more', name: 'a' }), "'a' already exists")
})

test.run()
