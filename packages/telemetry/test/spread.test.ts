import { createSystem } from '@stigmergy/core'
import { createVirtualClock, openGrid } from '@stigmergy/grid'
import { createAlarms, type Alarm, type Alarms } from '@stigmergy/telemetry'
import { startTelemetry } from '@stigmergy/telemetry/node'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { memoryMeter } from './support/otel.ts'
import { agentInfo, endOf } from './support/transitions.ts'
import { setup } from './support/xstate.ts'

const test = suite('failures that spread')

const open = (expectedPerHour = 100_000) => {
  const { meter, read } = memoryMeter()
  const clock = createVirtualClock()
  const alarms = createAlarms({ clock, meter, errors: { expectedPerHour, minSecondary: 3 } })
  const told: Alarm[] = []
  alarms.on((alarm) => told.push(alarm))
  return { alarms, told, read, clock }
}
const span = (spanId: string) => ({ traceId: 'a'.repeat(32), spanId: spanId.padStart(16, '0'), traceFlags: 1 })
/** A transition of that agent on an event that comes from the span `from`, under a span of its own. */
const step = (alarms: Alarms, id: string, from: string, own: string, error?: Error): void => {
  const [agent, context] = [agentInfo({ id }), span(own)]
  alarms.core.onTransitionEnd?.(endOf({ agent, trace: span(from), context, error }))
  if (error !== undefined) alarms.core.onFailure?.({ agent, error, event: 'go', trace: context, decision: { type: 'stop' } })
}
const jam = new Error('jam')
const spreading = async (read: ReturnType<typeof memoryMeter>['read']) =>
  (await read('agent_alarms_active')).find(({ attributes }) => attributes['kind'] === 'spread')?.value

test('failures that make others spread', async () => {
  const { alarms, told, read } = open()
  step(alarms, 'a', '1', '2', jam)
  step(alarms, 'b', '2', '3', jam)
  step(alarms, 'between', '3', '4')
  step(alarms, 'c', '4', '5', jam)
  step(alarms, 'a', '5', '6', jam)
  step(alarms, 'd', '6', '7', jam)
  step(alarms, 'd', '7', '8', jam)
  assert.match(told[0]!.message, /failures spread: 3\.0 more/)
  assert.equal(
    alarms.failures.map(({ failure, cause }) => [failure.agentId, cause?.agentId]),
    [
      ['a', undefined],
      ['b', 'a'],
      ['c', 'b'],
      ['a', 'c'],
      ['d', 'a'],
      ['d', 'a'],
    ],
  )
  assert.is((await read('agent_error_reproduction_number'))[0]?.value, 5)
  assert.is(await spreading(read), 1)
  alarms.close()
})

test('that failures spread is an event of its own, also where there are more than expected already', async () => {
  const { alarms, told, clock } = open(1)
  for (let i = 0; i < 8; i++) step(alarms, `r${i}`, `${i + 1}`, `${i + 2}`, jam)
  const states = () => told.map(({ kind, state }) => `${kind} ${state}`)
  assert.equal(states(), ['errors raised', 'spread raised'])
  assert.equal(
    alarms.active.map(({ kind }) => kind),
    ['errors', 'spread'],
  )
  await clock.advance(3_600_000)
  assert.equal(states().slice(2).toSorted(), ['errors cleared', 'spread cleared'])
  assert.is(clock.pending, 0)
  alarms.close()
})

test('agents that fail on one event, each by itself, infect nobody', async () => {
  const { alarms, told, read } = open()
  for (const [at, id] of ['a', 'b', 'c', 'd', 'e', 'f', 'g'].entries()) step(alarms, id, '1', `${at + 2}`, jam)
  for (const [at, id] of ['h', 'i', 'j', 'k'].entries()) {
    step(alarms, `perception-${id}`, '1', `2${at}`)
    step(alarms, id, `2${at}`, `3${at}`, jam)
  }
  assert.ok(alarms.failures.every(({ cause }) => cause === undefined))
  assert.is((await read('agent_error_reproduction_number'))[0]?.value, 0)
  assert.is(await spreading(read), 0)
  assert.equal(told, [])
  alarms.close()
})

test('what an agent sends before it fails spreads in a running system, what the sender of all sends does not', async () => {
  const clock = createVirtualClock()
  await using grid = await openGrid({ clock })
  const telemetry = await startTelemetry({ grid, clock, spanExporters: [], keep: { ratio: 0 } })
  const system = createSystem({ grid, hooks: telemetry.core })
  const alarms = createAlarms({ clock, telemetry, errors: { expectedPerHour: 100_000, minSecondary: 3 } })
  system.use(alarms.core)
  const machine = setup({ types: { events: {} as { type: 'boom'; on: readonly string[] } } }).createMachine({
    id: 'robot',
    on: {
      boom: {
        actions: ({ event: { on } }: { event: { on: readonly string[] } }) => {
          const [next, ...rest] = on
          if (next !== undefined) system.send(next, { type: 'boom', on: rest })
          throw jam
        },
      },
    },
  })
  for (const id of ['a', 'b', 'c', 'd', 'e'])
    await system.spawn(machine, { id, supervision: { maxRestarts: 10, backoff: { minMs: 1, maxMs: 1 } } })
  const causes = () => alarms.failures.map(({ failure, cause }) => `${cause?.agentId} -> ${failure.agentId}`)
  for (const id of ['a', 'b', 'c', 'd', 'e']) system.send(id, { type: 'boom', on: [] }, { trace: telemetry.startTrace('all') })
  await clock.advance(100)
  const trace = telemetry.startTrace('one reading for all')
  for (const id of ['a', 'b', 'c', 'd', 'e']) system.send(id, { type: 'boom', on: [] }, { trace })
  await clock.advance(100)
  assert.ok(
    causes().every((text) => text.startsWith('undefined')),
    causes().join(),
  )
  system.send('a', { type: 'boom', on: ['b', 'c', 'd'] }, { trace })
  await clock.advance(100)
  assert.equal(causes().slice(-4), ['undefined -> a', 'a -> b', 'b -> c', 'c -> d'])
  await system.close()
  alarms.close()
  await telemetry.close()
})

test.run()
