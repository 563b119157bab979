import type { MapEvent, TransitionEnd, TransitionRecorder } from '@stigmergy/core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assign, createMachine, raise } from 'xstate'
import { openBench, traceOf } from './support.ts'

const test = suite('transitions in the cheap form')

const light = createMachine({
  id: 'light',
  types: {} as { events: { type: 'go' } },
  initial: 'red',
  states: { red: { tags: ['halt'], on: { go: 'green' } }, green: { initial: 'arrow', states: { arrow: {} }, on: { go: 'red' } } },
})

test('a recorder is told the same facts as the hooks with objects', async () => {
  const cheap: unknown[] = []
  const rich: TransitionEnd[] = []
  const transitions: TransitionRecorder = {
    start: () => undefined,
    end: (
      agent,
      event,
      trace,
      enqueuedAtMs,
      startedAtMs,
      restarts,
      endedAtMs,
      from,
      to,
      tagsBefore,
      tagsAfter,
      error,
      context,
      ignored,
      worldAtMs,
    ) =>
      void cheap.push({
        agent,
        event,
        trace,
        enqueuedAtMs,
        startedAtMs,
        restarts,
        endedAtMs,
        from,
        to,
        tagsBefore,
        tagsAfter,
        error,
        context,
        ignored,
        worldAtMs,
      }),
  }
  const bench = await openBench({ hooks: { transitions } })
  bench.system.use({ onTransitionStart: () => traceOf(9), onTransitionEnd: (end) => void rich.push(end) })
  const agent = await bench.system.spawn(light, { id: 'l1', stage: 'planning' })
  await bench.clock.advance(5)
  for (let i = 0; i < 3; i++) agent.send({ type: 'go' }, { trace: traceOf(1) })
  await bench.settle()
  assert.equal(
    rich.map(({ from, to }) => [from, to]),
    [
      ['red', '{"green":"arrow"}'],
      ['{"green":"arrow"}', 'red'],
      ['red', '{"green":"arrow"}'],
    ],
  )
  assert.equal(cheap, rich)
  assert.equal(rich[0]?.context, traceOf(9))
  await bench.close()
})

test('hooks with a recorder are told of transitions by it alone; what it throws or rejects with is counted (I7)', async () => {
  let others = 0
  const boom = (): never => {
    throw new Error('boom')
  }
  const bench = await openBench({
    hooks: { transitions: { start: boom, end: boom }, onTransitionStart: () => void others++, onTransitionEnd: () => void others++ },
  })
  bench.system.use({ transitions: { start: () => undefined, end: (async () => boom()) as () => void } })
  const agent = await bench.system.spawn(light)
  agent.send({ type: 'go' })
  await bench.settle()
  assert.ok(agent.snapshot.matches('green'))
  assert.is(others, 0)
  assert.is(bench.system.guestErrors, 3)
  await bench.close()
})

test('an event that nothing comes of is told as ignored; a world change tells when this process had it', async () => {
  const told: unknown[] = []
  const bench = await openBench({
    hooks: { onTransitionEnd: ({ event, ignored, worldAtMs }) => void told.push([event, ignored, worldAtMs]) },
  })
  const notes = bench.grid.map<number>('notes')
  await notes.put('old', 1)
  await bench.clock.advance(1000)
  const machine = createMachine({
    types: {} as {
      context: { n: number }
      events: { type: 'act' | 'assign' | 'no' | 'nobody' | 'after' | 'shot.put' | 'again'; entry?: unknown } | MapEvent<'notes', number>
    },
    context: { n: 0 },
    initial: 'on',
    states: {
      on: {
        on: {
          act: { actions: () => {} },
          assign: { actions: assign({ n: 1 }) },
          no: { guard: () => false, target: 'off' },
          after: { actions: raise({ type: 'nobody' }, { delay: 10 }) },
          again: { target: 'on', reenter: true, actions: () => {} },
          'shot.put': { actions: () => {} },
          'notes.put': { actions: () => {} },
          'notes.remove': { actions: () => {} },
        },
      },
      off: {},
    },
  })
  const agent = await bench.system.spawn(machine, { id: 'a', watch: { notes } })
  await bench.settle()
  // What somebody sends is no change of the world, whatever it looks like.
  const entry = { acceptedAtMs: 7 }
  for (const type of ['act', 'assign', 'no', 'nobody', 'again', 'shot.put', 'after'] as const) agent.send({ type, entry })
  await bench.clock.advance(10)
  await notes.put('new', 2)
  await notes.remove('old')
  await bench.settle()
  assert.equal(told, [
    ['notes.put', false, 0],
    ['act', false, undefined],
    ['assign', false, undefined],
    ['no', true, undefined],
    ['nobody', true, undefined],
    ['again', false, undefined],
    ['shot.put', false, undefined],
    ['after', false, undefined],
    ['nobody', true, undefined],
    ['notes.put', false, 1010],
    ['notes.remove', false, undefined],
  ])
  await bench.close()
})

test.run()
