import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assign, createMachine, setup, type PromiseActorLogic } from 'xstate'
import { child, coalesce, type AgentRef, type MapEvent, type ReplyTo, type SpawnOptions } from '../src/index.ts'
import { crashEverywhere } from '../src/testing/index.ts'
import { openBench } from './support.ts'

/** What the compiler must accept and refuse. The check is the type check of this file; running it shows that it runs. */
const test = suite('types')

type Part = { x: number; owner?: string }

const robot = setup({
  types: {
    context: {} as { part: string | undefined },
    events: {} as MapEvent<'parts', Part> | MapEvent<'mine', Part> | { type: 'placed' } | { type: 'where'; replyTo: ReplyTo<number> },
    input: {} as { home: string } | undefined,
  },
}).createMachine({
  id: 'robot',
  context: { part: undefined },
  initial: 'idle',
  states: {
    idle: {
      on: {
        'parts.put': { guard: ({ event }) => event.value.x > 0, actions: assign({ part: ({ event }) => event.key }), target: 'picking' },
      },
    },
    picking: { on: { placed: 'idle', where: { actions: ({ event }) => event.replyTo.send(1) } } },
  },
})

test('refs are typed by their machine', async () => {
  const bench = await openBench()
  const parts = bench.grid.map<Part>('parts')
  const ref: AgentRef<typeof robot> = await bench.system.spawn(robot, {
    watch: { parts, mine: { map: parts, where: (entry) => entry.value.owner === 'me' } },
    input: { home: 'left' },
  })
  ref.send({ type: 'placed' })
  // @ts-expect-error no such event
  ref.send({ type: 'dropped' })
  // @ts-expect-error an event without what belongs to it
  ref.send({ type: 'where' })
  const part: string | undefined = ref.snapshot.context.part
  assert.is(part, undefined)
  // @ts-expect-error no such context
  assert.is(ref.snapshot.context.arm, undefined)
  await parts.put('p1', { x: 1 })
  await ref.until((snapshot) => snapshot.matches('picking'))
  // @ts-expect-error no such state
  const never = ref.snapshot.matches('flying')
  assert.not(never)
  const answer: number = await ref.ask<number>((replyTo) => ({ type: 'where', replyTo }))
  assert.is(answer, 1)
  await bench.close()
})

test('options are typed by the machine and the maps', async () => {
  const bench = await openBench()
  const parts = bench.grid.map<Part>('parts')
  const options: SpawnOptions<typeof robot> = { watch: { parts } }
  await bench.system.spawn(robot, options)
  await bench.system.spawn(robot, {
    watch: {
      // @ts-expect-error a part has no colour
      parts: { map: parts, where: (entry) => entry.value.colour === 'red' },
    },
  })
  // @ts-expect-error the machine knows no map of that name
  await bench.system.spawn(robot, { watch: { pieces: parts } })
  const numbers = bench.grid.map<number>('numbers')
  // @ts-expect-error the values of this map are no parts
  await bench.system.spawn(robot, { watch: { parts: numbers } })
  // A machine that names no events takes them all.
  await bench.system.spawn(createMachine({}), { watch: { numbers } })
  // @ts-expect-error not the input of this machine
  await bench.system.spawn(robot, { input: { home: 7 } })
  const [refused] = await Promise.allSettled([
    // @ts-expect-error not a map
    bench.system.spawn(robot, { watch: { parts: 'parts' } }),
  ])
  assert.is(refused?.status, 'rejected')
  await bench.close()
})

test('what stands around an agent is typed by its machine', async () => {
  const bench = await openBench()
  const parts = bench.grid.map<Part>('parts')
  const made = child(robot, { id: 'r', input: { home: 'left' }, watch: { parts }, restart: 'permanent' })
  // @ts-expect-error not the input of this machine
  assert.ok(child(robot, { input: { home: 7 } }))
  // @ts-expect-error no such restart
  assert.ok(child(robot, { restart: 'always' }))
  const tree = await bench.system.supervise({ id: 's', children: [made] })
  const ref: AgentRef<typeof robot> = await tree.spawn(robot, {
    stash: (event, state) => event.type === 'placed' && state.matches('idle'),
    needs: { parts: { map: parts, maxAgeMs: 50 } },
    mailbox: { overflow: coalesce<MapEvent<'parts', Part>>((event) => ('key' in event ? event.key : undefined)) },
  })
  // @ts-expect-error no such event
  const never: SpawnOptions<typeof robot>['stash'] = (event) => event.type === 'dropped'
  assert.type(never, 'function')
  assert.is(ref.snapshot.context.part, undefined)
  const api = bench.system.dependency('api')
  const answer: number = await api.call(() => 1)
  const logic = api.fromPromise<string, { id: number }>(async ({ input }) => String(input.id))
  // @ts-expect-error the output is text
  const wrong: PromiseActorLogic<number, { id: number }> = logic
  assert.ok(wrong)
  assert.is(answer, 1)
  await bench.close()
})

const sized = setup({ types: { context: {} as { n: number }, input: {} as { n: number } } }).createMachine({
  id: 'sized',
  context: ({ input }) => ({ n: input.n }),
})

const plain = createMachine({ id: 'plain' })

test('a machine that needs an input is not spawned without one', async () => {
  const bench = await openBench()
  const { system } = bench
  const cell = await system.supervise({ id: 'cell' })
  for (const spawn of [
    // @ts-expect-error no options
    async () => system.spawn(sized),
    // @ts-expect-error options without it
    async () => system.spawn(sized, { id: 'a' }),
    // @ts-expect-error no options, in so many words
    async () => system.spawn(sized, undefined),
    // @ts-expect-error no options under a supervisor, in so many words
    async () => cell.spawn(sized, undefined),
    // @ts-expect-error a child without options, in so many words
    async () => system.supervise({ id: 'other', children: [child(sized, undefined)] }),
    // @ts-expect-error no options under a supervisor
    async () => cell.spawn(sized),
    // @ts-expect-error no options of a child
    async () => system.supervise({ id: 'other', children: [child(sized)] }),
  ]) {
    const [spawned] = await Promise.allSettled([spawn()])
    assert.is(spawned?.status, 'rejected')
  }
  const event = { type: 'x' }
  // @ts-expect-error options without it
  const broken = await crashEverywhere(sized, [event], {})
  assert.ok(broken.violations.length > 0)
  // @ts-expect-error no options
  assert.ok((await crashEverywhere(sized, [event])).violations.length > 0)
  // @ts-expect-error not the input of this machine
  await crashEverywhere(sized, [event], { input: { n: 'x' } })
  assert.equal((await crashEverywhere(sized, [event], { input: { n: 7 } })).violations, [])
  // One that needs none may say so.
  const none: SpawnOptions<typeof plain> | undefined = undefined
  await system.spawn(plain, none)
  await cell.spawn(plain, none)
  assert.equal((await crashEverywhere(plain, [event], undefined)).violations, [])
  const agent = await system.spawn(sized, { input: { n: 7 } })
  assert.is(agent.snapshot.context.n, 7)
  // What is in an event that is sent by id is not known.
  assert.is(system.send('nobody', { type: 'add', by: 2 }), false)
  await bench.close()
})

test.run()
