import { readFlight } from '@stigmergy/telemetry'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readStrings } from '../src/recorder/read-strings.ts'
import { StringTable } from '../src/recorder/strings.ts'
import { ended, openFlight } from './support/flight.ts'
import { agentInfo } from './support/transitions.ts'

const test = suite('texts of the recorder')
const none: ReadonlySet<string> = new Set()

test('places are used again once no record can speak of their text', () => {
  const table = new StringTable({ maxStrings: 10, maxBytes: 1000 })
  const read = readStrings(table.buffer)
  const old = ['a', 'b', 'c', 'd'].map((text) => table.intern(text))
  // Records 0 to 9 are in the ring, which holds a hundred: the first epoch ends.
  table.turn(10, -90)
  table.turn(10, 0)
  const kept = table.intern('a')
  assert.is(kept, old[0])
  for (const text of ['e', 'f', 'g', 'h']) table.intern(text)
  assert.is(table.text(table.intern('i')), 'other', 'record 9 may speak of b')
  assert.equal(old.map(read), ['a', 'b', 'c', 'd'])
  table.turn(109, 9)
  assert.is(table.text(table.intern('i')), 'other')
  table.turn(110, 10)
  const fresh = table.intern('a longer text than the one that was there before')
  assert.is(table.text(fresh), 'other', 'there is no block for it')
  const again = table.intern('i')
  assert.ok(old.slice(1).includes(again))
  assert.equal([read(again), table.text(again), read(kept)], ['i', 'i', 'a'])
  assert.is(read(old.slice(1).find((id) => id !== again)!).length, 1)
  assert.is(table.intern(''), 0)
  assert.is(read(1), 'other')
  assert.is(read(10), 'other')
})

test('what was asked for in this epoch or the one before stays', () => {
  const table = new StringTable({ maxStrings: 4, maxBytes: 1000 })
  const a = table.intern('a')
  table.turn(10, 0)
  const b = table.intern('b')
  table.turn(20, 9)
  assert.is(table.text(table.intern('c')), 'other', 'a is in records up to 9, b in those up to 19')
  table.turn(20, 10)
  assert.is(table.epoch, 3)
  const c = table.intern('c')
  assert.is(c, a)
  assert.is(table.text(b), 'b')
})

test('the state of a machine with many regions is a path, cut where even that is too long', () => {
  const { recorder, spans, emitted } = openFlight({ keep: { ratio: 1 } })
  const row = recorder.rowOf(agentInfo({ id: 'arm-7', type: 'arm' }))
  const state = (regions: number, moves: number): string =>
    JSON.stringify(
      Object.fromEntries(Array.from({ length: regions }, (_, i) => [`joint_${i}_controller`, i === moves ? 'moving' : 'idle'])),
    )
  const step = (from: string, to: string): void => {
    recorder.end(row, 'go', ended(0, 0, 0, 1), 0, from, to, none, none, undefined, recorder.start(undefined))
  }
  step(state(24, -1), state(24, 22))
  step(state(24, 22), state(24, -1))
  step(state(100, -1), 'x'.repeat(600))
  spans()
  const [there, back, cut] = emitted.map(({ attributes }) => [String(attributes['agent.state.from']), String(attributes['agent.state.to'])])
  assert.match(there![0]!, /^joint_0_controller\.idle\|.*\|joint_22_controller\.idle\|joint_23_controller\.idle$/)
  assert.match(there![1]!, /\|joint_22_controller\.moving\|joint_23_controller\.idle$/)
  assert.equal(back, there!.toReversed())
  assert.equal([cut![0]!.length, cut![0]!.startsWith('joint_0_controller.idle|'), cut![1]], [1024, true, 'x'.repeat(600)])
})

test('agents that come and go for ever have their names, and one that stays keeps its own', () => {
  const { recorder, spans, emitted } = openFlight({ keep: { ratio: 0, slowPerSecond: 0 }, historyMs: 1, maxMebibytes: 1 })
  const reader = readFlight({ ring: recorder.ring.buffer, strings: recorder.strings.buffer })
  const one = agentInfo({ id: 'arm-7', type: 'arm' })
  const stays = recorder.rowOf(one)
  const step = (row: typeof stays, event: string, to: string, tags = none) => {
    const context = recorder.start(undefined)
    recorder.end(row, event, ended(0, 0, 0, 1), 0, 'idle', to, none, tags, undefined, context)
  }
  for (let i = 0; i < 150_000; i++) {
    // Events such as the end of a child have its id in their name.
    step(recorder.rowOf(agentInfo({ id: `job-${i}`, type: 'job' })), `done.${i % 2 === 0 ? 0 : i}`, 'gone')
    if (i % 100 === 0) step(stays, 'go', 'busy')
    if (i % 10_000 !== 0) continue
    const { records } = reader.read(recorder.ring.head - 2)
    assert.equal(
      records.map(({ agentId, agentType, event, to }) => [agentId, agentType, event, to]),
      [
        [`job-${i}`, 'job', 'done.0', 'gone'],
        ['arm-7', 'arm', 'go', 'busy'],
      ],
    )
  }
  assert.is(recorder.strings.refused, 0)
  step(stays, 'hit', 'crushed', new Set(['violation']))
  spans()
  const { name, attributes } = emitted.at(-1)!
  assert.equal([name, attributes['agent.id'], attributes['agent.event']], ['arm idle -> crushed', 'arm-7', 'hit'])
})

test.run()
