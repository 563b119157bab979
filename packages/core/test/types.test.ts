import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assign, createMachine, setup } from 'xstate'
import type { AgentRef, MapEvent, ReplyTo, SpawnOptions } from '../src/index.ts'
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

test.run()
