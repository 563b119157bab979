import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createActor } from 'xstate'
import { createSafetyMachine, type SafetyEvent, type SafetyMachineOptions, type SafetyStop } from '../src/cell-safety-machine.ts'
import type { SafetyAccount } from '../src/safety-account.ts'

const test = suite('cell safety machine')

interface Bench {
  readonly trace: string[]
  readonly stops: SafetyStop[]
  readonly released: SafetyAccount[]
  readonly send: (
    ...events: readonly (SafetyEvent | { readonly type: 'agent.restored'; readonly restarts: number; readonly from: 'initial' })[]
  ) => void
}

function bench(options: Partial<SafetyMachineOptions> = {}): Bench {
  const trace: string[] = []
  const stops: SafetyStop[] = []
  const released: SafetyAccount[] = []
  const machine = createSafetyMachine({
    limits: { limitMs: 50, holdMs: 25 },
    requiredFromMs: undefined,
    acknowledge: 'when-fresh',
    now: () => 0,
    onState: (state, atMs) => trace.push(`${state} ${atMs}`),
    onStop: (stop) => stops.push(stop),
    onReleased: (account) => released.push(account),
    ...options,
  })
  const actor = createActor(machine).start()
  return { trace, stops, released, send: (...events) => events.forEach((event) => actor.send(event)) }
}

const stamp = (seq: number) => ({ epoch: 1, seq })
const row = (seq: number, atMs: number): SafetyEvent => ({ type: 'source.accepted', atMs, stamp: stamp(seq) })
const check = (seq: number, acceptedAtMs: number, atMs: number): SafetyEvent => ({
  type: 'source.checked',
  atMs,
  acceptedAtMs,
  ageMs: atMs - acceptedAtMs,
  stamp: stamp(seq),
})
const acknowledged = (atMs: number): SafetyEvent => ({ type: 'operator.acknowledged', atMs })
const released = (atMs: number): SafetyEvent => ({ type: 'source.released', atMs })

test('a silence seen by the timer and then by the row that ends it is one stop', () => {
  const { trace, stops, released: accounts, send } = bench()
  send(row(0, 100), row(1, 120), check(1, 120, 145.001), check(1, 120, 170.001), row(2, 200), row(3, 210), released(210))
  assert.equal(trace, ['RUN 100', 'HOLD 145.001', 'STOP 170.001', 'RUN 200'])
  assert.equal(
    stops.map(({ after, seenBy, atMs }) => [after, seenBy, atMs]),
    [[stamp(1), 'timer', 170.001]],
  )
  const { stops: count, msInRun, msInHold, msInStop } = accounts[0]!
  assert.is(count, 1)
  assert.equal([msInRun, msInHold, msInStop].map(Math.round), [55, 25, 30])
  assert.ok(Math.abs(msInRun + msInHold + msInStop - 110) < 1e-9)
})

test('a silence that only the row shows, because the timer came late, is a stop of no length', () => {
  const { trace, stops, released: accounts, send } = bench()
  send(row(0, 0), row(1, 50), row(2, 100.001), released(100.001))
  assert.equal(trace, ['RUN 0', 'STOP 100.001', 'RUN 100.001'])
  assert.equal(stops, [{ atMs: 100.001, ageMs: 100.001 - 50, after: stamp(1), seenBy: 'row' }])
  assert.equal(accounts, [{ stops: 1, msInRun: 100.001, msInHold: 0, msInStop: 0 }])
})

test('each silence counts once, also when rows are told late, behind a check that has seen newer ones', () => {
  const { trace, stops, send } = bench()
  // Row 2 was accepted at 110 and is told after the check that found it silent since.
  send(row(0, 0), row(1, 100), check(2, 110, 170), row(2, 110), row(3, 180))
  assert.equal(
    stops.map(({ after }) => after?.seq),
    [0, 2],
  )
  assert.equal(trace.slice(-2), ['STOP 170', 'RUN 180'])
})

test('no time is accounted twice when a row is told behind a check', () => {
  const { trace, released: accounts, send } = bench()
  send(row(0, 0), check(1, 20, 46), row(1, 20), row(2, 60), released(60))
  assert.equal(trace, ['RUN 0', 'HOLD 46', 'RUN 20'])
  assert.equal(accounts, [{ stops: 0, msInRun: 60, msInHold: 0, msInStop: 0 }])
})

test('a late row ends a hold; nothing is held or stopped at exactly the limits', () => {
  const { trace, send } = bench()
  send(row(0, 0), check(0, 0, 25), check(0, 0, 25.001), check(0, 0, 50), row(1, 50), row(2, 100))
  assert.equal(trace, ['RUN 0', 'HOLD 25.001', 'RUN 50'])
})

test('with an operator the stop is latched: fresh rows do not end it, an acknowledgement does, and only while they are fresh', () => {
  const { trace, stops, send } = bench({ acknowledge: 'operator' })
  send(row(0, 0), check(0, 0, 51), acknowledged(60), row(1, 70), row(2, 80), acknowledged(106), row(3, 110), acknowledged(115))
  assert.equal(trace, ['RUN 0', 'STOP 51', 'RUN 115'])
  send(check(3, 110, 170), row(4, 230), row(5, 300), acknowledged(300))
  assert.equal(trace.slice(2), ['RUN 115', 'STOP 170', 'RUN 300'])
  // The second silence came while the stop was latched.
  assert.equal(
    stops.map(({ after }) => after?.seq),
    [0, 3, 4],
  )
})

test('a source that is required from the start stops the cell if it never comes', () => {
  const { trace, stops, send } = bench({ requiredFromMs: 10 })
  send({ type: 'source.checked', atMs: 61, ageMs: 51, acceptedAtMs: 10, stamp: undefined }, row(0, 70))
  assert.equal(trace, ['RUN 0', 'STOP 61', 'RUN 70'])
  assert.equal(stops, [{ atMs: 61, ageMs: 51, after: undefined, seenBy: 'timer' }])
})

test('a restarted agent stands still until it is acknowledged', () => {
  const { trace, send } = bench({ acknowledge: 'operator', now: () => 7 })
  send({ type: 'agent.restored', restarts: 1, from: 'initial' }, row(5, 8), acknowledged(9))
  assert.equal(trace, ['STOP 7', 'RUN 9'])
})

test.run()
