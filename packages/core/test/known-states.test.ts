import { createVirtualClock } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createActor, createMachine, fromCallback, setup, type AnyMachineSnapshot, type AnyStateMachine, type Snapshot } from 'xstate'
import { Host } from '../src/cell/host.ts'
import type { HostOwner } from '../src/cell/host-owner.ts'
import { Deciding } from '../src/cell/stepper.ts'
import { below, forSeeds } from './seeds.ts'

/** What is remembered of a machine's states must give the snapshots that XState gives. */
const test = suite('known states')

/** First snapshots of agents of one system. */
function beginner(machine: AnyStateMachine): (input: unknown, stored?: Snapshot<unknown>) => AnyMachineSnapshot {
  const deciding = new Deciding()
  const environment = { clock: createVirtualClock(), logger: () => undefined, deciding, slot: { current: undefined } }
  return (input, stored) =>
    new Host({ id: 'x', environment, gate: undefined, machine }, {} as HostOwner).prepare(input, structuredClone(stored))
}

function facts({ status, value, context, tags, children, historyValue, output, _nodes, error }: AnyMachineSnapshot): unknown {
  const ids = Object.fromEntries(Object.entries(historyValue).map(([id, nodes]) => [id, nodes.map((node) => node.id)]))
  const nodes = _nodes.map((node) => node.id)
  return { status, value, context, tags: [...tags], children: Object.keys(children), ids, output, nodes, error: String(error) }
}

/** XState's own snapshot, of an actor that has not started. */
const plain = (machine: AnyStateMachine, input: unknown): AnyMachineSnapshot =>
  createActor(machine, { input }).getSnapshot() as AnyMachineSnapshot

/** A tree of states made by chance. */
function tree(random: () => number, depth: number): Record<string, unknown> {
  const chance = (p: number): boolean => random() < p
  const type = depth === 0 || chance(0.3) ? 'atomic' : chance(0.4) ? 'parallel' : 'compound'
  const names = ['a', 'b', 'c'].slice(0, 1 + below(random, 3))
  const odd = {
    ...(chance(0.5) && { tags: [`tag ${below(random, 3)}`] }),
    ...(chance(0.1) && { entry: () => undefined }),
    ...(chance(0.05) && { after: { 10: { actions: () => undefined } } }),
    ...(chance(0.05) && { invoke: { src: 'device' } }),
    ...(chance(0.05) && { always: { guard: () => false, actions: () => undefined } }),
    ...(depth < 3 && chance(0.05) && { type: 'final' }),
  }
  if (type === 'atomic' || odd.type === 'final') return odd
  const states = Object.fromEntries(names.map((name) => [name, tree(random, depth - 1)]))
  const history = chance(0.2) ? { past: { type: 'history' } } : {}
  if (type === 'parallel') return { ...odd, type, states: { ...states, ...history } }
  const target = names[below(random, names.length)] as string
  return { ...odd, initial: chance(0.1) ? { target, actions: () => undefined } : target, states: { ...states, ...history } }
}

test('machines made by chance begin, and are restored, as XState has them', () =>
  forSeeds(300, (random) => {
    const context = [{ n: 1 }, ({ input }: { readonly input: number }) => ({ n: input }), undefined][below(random, 3)]
    const machine = setup({ actors: { device: fromCallback(() => undefined) } }).createMachine({
      ...tree(random, 3),
      ...(context !== undefined && { context }),
    } as never) as unknown as AnyStateMachine
    const begin = beginner(machine)
    for (const input of [1, 2, 3]) assert.equal(facts(begin(input)), facts(plain(machine, input)))
    const stored = JSON.parse(JSON.stringify(plain(machine, 4).machine.getPersistedSnapshot(plain(machine, 4)))) as Snapshot<unknown>
    const expected = facts(createActor(machine, { snapshot: structuredClone(stored), input: 0 }).getSnapshot() as AnyMachineSnapshot)
    for (let i = 0; i < 3; i++) assert.equal(facts(begin(undefined, stored)), expected)
  }))

test('each agent has a context of its own making, and children that it spawns there', () => {
  const machine = setup({ actors: { device: fromCallback(() => undefined) } }).createMachine({
    context: ({ spawn, input }) => {
      const { id, fails } = input as { readonly id: string; readonly fails?: boolean }
      if (fails === true) throw new Error(`no ${id}`)
      spawn('device', { id })
      return { id }
    },
  })
  const begin = beginner(machine)
  for (const id of ['one', 'two', 'three']) assert.equal(facts(begin({ id })), facts(plain(machine, { id })))
  const failed = begin({ id: 'four', fails: true })
  assert.is(failed.status, 'error')
  assert.is(String(failed.error), 'Error: no four')
  assert.is(begin({ id: 'five' }).context.id, 'five')
})

test('a mark of an actor that is gone is taken out of a restored context', () => {
  const machine = createMachine({ context: { list: [{}] }, initial: 'idle', states: { idle: {} } }) as unknown as AnyStateMachine
  const begin = beginner(machine)
  const stored = (list: readonly unknown[]): Snapshot<unknown> =>
    ({ status: 'active', value: 'idle', historyValue: {}, children: {}, context: { list } }) as unknown as Snapshot<unknown>
  begin(undefined, stored([{ a: 1 }]))
  assert.equal(begin(undefined, stored([{ a: 1 }])).context, { list: [{ a: 1 }] })
  assert.equal(begin(undefined, stored([{ a: { xstate$$type: 1, id: 'kid' } }])).context, { list: [{ a: undefined }] })
})

test('a context that refers to itself is restored', () => {
  const machine = createMachine({ context: {}, initial: 'idle', states: { idle: {} } }) as unknown as AnyStateMachine
  const begin = beginner(machine)
  const loop: Record<string, unknown> = {}
  loop['self'] = loop
  const stored = { status: 'active', value: 'idle', historyValue: {}, children: {}, context: loop } as unknown as Snapshot<unknown>
  for (let i = 0; i < 2; i++) {
    const { context } = begin(undefined, stored)
    assert.is(context.self, context)
  }
})

test('a state that the machine does not have is refused each time', () => {
  const machine = createMachine({ initial: 'idle', states: { idle: {} } }) as unknown as AnyStateMachine
  const begin = beginner(machine)
  const stored = { status: 'active', value: 'gone', historyValue: {}, children: {}, context: {} } as unknown as Snapshot<unknown>
  for (let i = 0; i < 2; i++) assert.throws(() => begin(undefined, stored))
})

test('a state value is the snapshot’s own', () => {
  const machine = createMachine({ initial: 'a', states: { a: { initial: 'b', states: { b: {} } } } }) as unknown as AnyStateMachine
  const begin = beginner(machine)
  begin(undefined)
  ;(begin(undefined).value as { a: string }).a = 'changed'
  assert.equal(begin(undefined).value, { a: 'b' })
})

test.run()
