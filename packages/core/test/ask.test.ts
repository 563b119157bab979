import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assign, createMachine } from 'xstate'
import { isCoreError, type CoreErrorCode, type ReplyTo } from '../src/index.ts'
import { openBench } from './support.ts'

const test = suite('ask and until')

type Event =
  | { type: 'sum'; values: readonly number[]; replyTo: ReplyTo<number> }
  | { type: 'twice'; replyTo: ReplyTo<number> }
  | { type: 'late'; replyTo: ReplyTo<number> }
  | { type: 'boom'; replyTo: ReplyTo<number> }
  | { type: 'bump' }
  | { type: 'finish' }

const machine = createMachine({
  id: 'clerk',
  types: {} as { events: Event; context: { n: number; later: ReplyTo<number> | undefined } },
  context: { n: 0, later: undefined },
  initial: 'open',
  states: {
    open: {
      on: {
        sum: { actions: ({ event }) => event.replyTo.send(event.values.reduce((a, b) => a + b, 0)) },
        twice: {
          actions: ({ event }) => {
            event.replyTo.send(1)
            event.replyTo.send(2)
          },
        },
        late: { actions: assign({ later: ({ event }) => event.replyTo }), target: 'waiting' },
        boom: {
          actions: () => {
            throw new Error('boom')
          },
        },
        bump: { actions: assign({ n: ({ context }) => context.n + 1 }) },
        finish: 'done',
      },
    },
    waiting: { after: { 2000: { target: 'open', actions: ({ context }) => context.later?.send(5) } } },
    done: { type: 'final' },
  },
})

async function rejects(promise: Promise<unknown>, code: CoreErrorCode, message: RegExp): Promise<void> {
  try {
    await promise
  } catch (error) {
    assert.ok(isCoreError(error, code), String(error))
    assert.match((error as Error).message, message)
    return
  }
  assert.unreachable(`should reject with ${code}`)
}

test('an answer comes back; its deadline leaves no timer', async () => {
  const bench = await openBench()
  const agent = await bench.system.spawn(machine)
  assert.is(await agent.ask<number>((replyTo) => ({ type: 'sum', values: [1, 2, 3], replyTo })), 6)
  assert.is(bench.clock.pending, 0)
  await bench.close()
})

test('the first answer counts; others are counted', async () => {
  const bench = await openBench()
  const agent = await bench.system.spawn(machine)
  assert.is(await agent.ask<number>((replyTo) => ({ type: 'twice', replyTo })), 1)
  assert.is(bench.system.lateReplies, 1)
  await bench.close()
})

test('without an answer it ends at the deadline, and the late answer is counted', async () => {
  const bench = await openBench()
  const agent = await bench.system.spawn(machine, { id: 'c1' })
  const asked = agent.ask<number>((replyTo) => ({ type: 'late', replyTo }), { timeoutMs: 500 })
  const refused = rejects(asked, 'ASK_TIMEOUT', /agent "c1" did not answer within 500 ms/)
  await bench.clock.advance(499)
  assert.is(bench.system.lateReplies, 0)
  await bench.clock.advance(1)
  await refused
  await bench.clock.advance(2000)
  assert.is(bench.system.lateReplies, 1)
  await bench.close()
})

test('it ends when the agent stops, has stopped, or reaches its end', async () => {
  const bench = await openBench()
  const stopping = await bench.system.spawn(machine, { id: 'c1' })
  const asked = rejects(
    stopping.ask<number>((replyTo) => ({ type: 'late', replyTo })),
    'AGENT_STOPPED',
    /agent "c1" is stopped/,
  )
  await bench.settle()
  await stopping.stop()
  await asked
  await rejects(
    stopping.ask<number>((replyTo) => ({ type: 'late', replyTo })),
    'AGENT_STOPPED',
    /stopped/,
  )

  const finishing = await bench.system.spawn(machine, { id: 'c2' })
  finishing.send({ type: 'finish' })
  await rejects(
    finishing.ask<number>((replyTo) => ({ type: 'late', replyTo })),
    'AGENT_STOPPED',
    /agent "c2" is done/,
  )
  assert.is(bench.clock.pending, 0)
  await bench.close()
})

test('it ends at once when the agent crashes on it, or its mailbox is full', async () => {
  const bench = await openBench({ mailbox: { capacity: 1 } })
  const agent = await bench.system.spawn(machine, { id: 'c1' })
  await rejects(
    agent.ask<number>((replyTo) => ({ type: 'boom', replyTo })),
    'AGENT_CRASHED',
    /agent "c1" crashed on "boom"/,
  )
  await bench.clock.advance(100)
  agent.send({ type: 'bump' })
  await rejects(
    agent.ask<number>((replyTo) => ({ type: 'late', replyTo })),
    'MAILBOX_FULL',
    /mailbox of agent "c1"/,
  )
  await bench.close()
})

test('a signal ends it with its reason', async () => {
  const bench = await openBench()
  const agent = await bench.system.spawn(machine)
  const controller = new AbortController()
  const asked = agent.ask<number>(() => ({ type: 'bump' }), { signal: controller.signal })
  const waited = agent.until(() => false, { signal: controller.signal })
  controller.abort(new Error('enough'))
  for (const promise of [asked, waited, agent.until(() => true, { signal: controller.signal })]) {
    const [result] = await Promise.allSettled([promise])
    assert.is(String(result?.status === 'rejected' && result.reason), 'Error: enough')
  }
  assert.is(bench.clock.pending, 0)
  await bench.close()
})

test('what throws while the question is made comes back, and a bad deadline is quoted', async () => {
  const bench = await openBench()
  const agent = await bench.system.spawn(machine)
  const [made] = await Promise.allSettled([
    agent.ask(() => {
      throw new Error('no question')
    }),
  ])
  assert.is(String(made?.status === 'rejected' && made.reason), 'Error: no question')
  await rejects(
    agent.until(() => true, { timeoutMs: -1 }),
    'BAD_OPTION',
    /timeoutMs is -1/,
  )
  assert.is(bench.clock.pending, 0)
  await bench.close()
})

test('until takes the present snapshot, or one that comes', async () => {
  const bench = await openBench()
  const agent = await bench.system.spawn(machine)
  assert.is((await agent.until((snapshot) => snapshot.matches('open'))).context.n, 0)
  const second = agent.until((snapshot) => snapshot.context.n === 2)
  for (let i = 0; i < 3; i++) agent.send({ type: 'bump' })
  assert.is((await second).context.n, 2)
  const done = agent.until((snapshot) => snapshot.status === 'done')
  agent.send({ type: 'finish' })
  await done
  assert.is(bench.clock.pending, 0)
  await bench.close()
})

test('until ends at its deadline, with the agent, or by what its predicate throws', async () => {
  const bench = await openBench()
  const agent = await bench.system.spawn(machine, { id: 'c1' })
  const late = rejects(
    agent.until(() => false),
    'UNTIL_TIMEOUT',
    /agent "c1" is running, in state "open", not as awaited, after 5000 ms/,
  )
  await bench.clock.advance(5000)
  await late
  const [thrown] = await Promise.allSettled([
    agent.until(() => {
      throw new Error('bad predicate')
    }),
  ])
  assert.is(String(thrown?.status === 'rejected' && thrown.reason), 'Error: bad predicate')
  const stopped = rejects(
    agent.until(() => false),
    'AGENT_STOPPED',
    /agent "c1" is stopped/,
  )
  await agent.stop()
  await stopped
  assert.is(bench.clock.pending, 0)
  await bench.close()
})

test.run()
