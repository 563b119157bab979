import { assign, setup } from 'xstate'
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

test.run()
