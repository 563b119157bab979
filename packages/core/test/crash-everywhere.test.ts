import { assign, createMachine, fromPromise, setup } from 'xstate'
import { command, send } from '@stigmergy/core'
import { crashEverywhere } from '@stigmergy/core/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('crash everywhere')

const picker = setup({
  types: { context: {} as { picked: number }, events: {} as { type: 'part'; id: string } | { type: 'placed' } },
}).createMachine({
  id: 'picker',
  context: { picked: 0 },
  initial: 'idle',
  states: {
    idle: {
      on: {
        part: {
          target: 'picking',
          actions: [
            command('arm', ({ event }) => ({ pick: event.type === 'part' ? event.id : '' })),
            assign({ picked: ({ context }) => context.picked + 1 }),
          ],
        },
      },
    },
    picking: {
      after: {
        15: {
          target: 'idle',
          actions: send('planner', ({ context }: { context: { picked: number } }) => ({ type: 'free', picked: context.picked })),
        },
      },
    },
  },
})
const parts = ['p1', 'p2'].map((id) => ({ type: 'part' as const, id }))

test('a machine that says its effects as data survives a crash at every moment', async () => {
  const report = await crashEverywhere(picker, parts, { peers: ['planner'], actuators: ['arm'] })
  assert.equal(report.violations, [])
  assert.ok(report.runs > 25, String(report.runs))
  for (const point of [
    'before-commit',
    'on-the-way',
    'before-answer',
    'committed',
    'before-effect',
    'after-effect',
    'claim',
    'restore',
  ] as const) {
    assert.ok(report.points[point] > 0, point)
  }
})

test('timers that are due by the hour of the day can be tried as well', async () => {
  const machine = createMachine({
    id: 'm',
    initial: 'a',
    states: { a: { on: { go: 'b' } }, b: { after: { 30: 'c' } }, c: { entry: command('arm', 'late') } },
  })
  const report = await crashEverywhere(machine, [{ type: 'go' }], { actuators: ['arm'], spawn: { timers: 'due' } })
  assert.equal(report.violations, [])
  assert.ok(report.runs > 5, String(report.runs))
})

test('one that counts in a variable of its own is found out', async () => {
  let outside = 0
  const leaky = setup({}).createMachine({
    id: 'leaky',
    on: { part: { actions: command('arm', () => ({ n: ++outside })) } },
  })
  const { violations } = await crashEverywhere(leaky, parts, { actuators: ['arm'] })
  assert.ok(violations.length > 0)
  assert.match(violations[0]!, /killed at moment \d+ \([a-z-]+\): commands of arm: \[.*\] instead of \[/)
})

test('delayed events that are due by the hour, and no time that is looked at afterwards', async () => {
  const waiting = createMachine({
    id: 'm',
    initial: 'idle',
    states: { idle: { on: { go: 'waiting' } }, waiting: { after: { 30: { target: 'idle', actions: command('arm', 1) } } } },
  })
  const go = { type: 'go' }
  for (const options of [{ spawn: { timers: 'due' } }, { settleMs: 0 }, { settleMs: 0, everyMs: 300 }] as const) {
    const { runs, violations } = await crashEverywhere(waiting, [go, go], { actuators: ['arm'], ...options })
    assert.equal(violations, [])
    assert.ok(runs > 20, String(runs))
  }
})

test('what could not be seen is no proof: names that are not given, what breaks by itself, what comes too late', async () => {
  const go = { type: 'go' }
  const arm = { actuators: ['arm'] }
  const typo = await crashEverywhere(createMachine({ id: 'm', on: { go: { actions: command('amr', 1) } } }), [go], arm)
  assert.equal(typo.violations, ['without a crash: agent.command to amr was not taken: undeliverable'])
  const broken = assign(() => {
    throw new Error('no')
  })
  const { violations } = await crashEverywhere(createMachine({ id: 'm', on: { go: { actions: broken } } }), [go])
  assert.match(violations.join(), /without a crash: agent m broke on go: Error: no/)
  let n = 0
  const late = createMachine({ id: 'm', initial: 'a', states: { a: { after: { 5000: 'b' } }, b: { entry: command('arm', () => ++n) } } })
  assert.equal((await crashEverywhere(late, [go], arm)).violations, [])
  assert.ok((await crashEverywhere(late, [go], { ...arm, settleMs: 8000 })).violations.length > 0, 'it counts outside its context')
})

test('it is spawned as it is said: a promise that may run again is run again', async () => {
  const work = fromPromise(async () => 1)
  const machine = setup({ actors: { work } }).createMachine({
    id: 'm',
    initial: 'idle',
    states: {
      idle: { on: { go: 'working' } },
      working: {
        invoke: {
          src: 'work',
          onDone: { target: 'idle', actions: command('arm', 'done') },
          onError: { target: 'idle', actions: command('arm', 'failed') },
        },
      },
    },
  })
  const events = [{ type: 'go' }]
  assert.ok((await crashEverywhere(machine, events, { actuators: ['arm'] })).violations.length > 0)
  assert.equal((await crashEverywhere(machine, events, { actuators: ['arm'], spawn: { retryable: 'all' } })).violations, [])
})

test.run()
