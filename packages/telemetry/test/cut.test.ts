import type { TraceContext } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { chooseSpans } from '../src/recorder/cut.ts'
import type { Recorder } from '../src/recorder/recorder.ts'
import { ended, openFlight } from './support/flight.ts'
import { agentInfo } from './support/transitions.ts'

const test = suite('traces over their bound')
const robot = agentInfo()
const none: ReadonlySet<string> = new Set()
const violation: ReadonlySet<string> = new Set(['violation'])
const rules = { keep: { ratio: 0, slowPerSecond: 0 } } as const

function steps(recorder: Recorder, root: TraceContext, count: number, error?: Error, tags = none): TraceContext {
  let context = root
  for (let i = 0; i < count; i++) {
    const next = recorder.start(context)
    recorder.end(recorder.rowOf(robot), 'go', ended(i, i, 0, i), 0, 'a', tags === none ? 'b' : 'bad', none, tags, error, next)
    context = next
  }
  return context
}

const places = (...symptoms: number[]): boolean[] => Array.from({ length: 10 }, (_, at) => symptoms.includes(at))

test('the first, the newest, and all symptoms, also beyond the room', () => {
  const chosen = (symptoms: readonly boolean[], room: number, most: number) =>
    [...(chooseSpans(symptoms, room, most) ?? ['all'])].toSorted((a, b) => Number(a) - Number(b))
  assert.equal(chosen(places(), 10, 20), ['all'])
  assert.equal(chosen(places(), 4, 20), [0, 7, 8, 9])
  assert.equal(chosen(places(3), 4, 20), [0, 3, 8, 9])
  assert.equal(chosen(places(3, 4, 5), 0, 20), [3, 4, 5])
  assert.equal(chosen(places(3, 4, 5), 2, 2), [3, 4])
  assert.equal(chosen(places(), 1, 3), [0])
  assert.equal(chosen(places(), 0, 0), [])
})

test('the error that a long trace is kept for is in it, with its root, and what became of it', () => {
  const { recorder, spans, flight, lost } = openFlight(rules)
  const root = recorder.root('conveyor', {}, 0, 0)
  const last = steps(recorder, root, 700)
  const failed = steps(recorder, last, 1, new Error('jam'))
  recorder.failure(recorder.rowOf(robot), { agent: robot, event: 'go', error: new Error('jam'), trace: failed, decision: { type: 'stop' } })
  recorder.restart(recorder.rowOf(robot), 1, 'initial', failed)
  const told = spans()
  const errors = told.filter(({ error }) => error !== undefined)
  assert.equal(
    errors.map(({ name }) => name),
    ['robot a -> b', 'robot failed'],
  )
  assert.equal([told[0]?.name, told.at(-1)?.name], ['conveyor', 'robot restarted'])
  assert.is(told.filter(({ name }) => name === 'trace truncated').length, 1)
  assert.equal([told.length, flight.counts.truncated, lost()], [513, 704 - 512, 704 - 512])
})

test('a violation of a long trace is in it, and a second error, long after the bound', () => {
  const { recorder, spans, flight } = openFlight({ ...rules, maxSpansPerTrace: 10 })
  const last = steps(recorder, steps(recorder, recorder.root('conveyor', {}, 0, 0), 50), 1, undefined, violation)
  const [first] = [spans().filter(({ name }) => name === 'robot a -> bad').length]
  const error = steps(recorder, steps(recorder, last, 50), 1, new Error('jam'))
  const told = spans()
  assert.equal([first, told.filter(({ spanId }) => spanId === error.spanId).length], [1, 1])
  assert.equal([told.length, flight.counts.incomplete], [12, 1])
})

test('symptoms are bounded too', () => {
  const { recorder, spans } = openFlight({ ...rules, maxSpansPerTrace: 10 })
  let last = recorder.root('conveyor', {}, 0, 0)
  for (let i = 0; i < 20; i++) {
    last = steps(recorder, last, 5, new Error('jam'))
    spans()
  }
  assert.is(spans().length, 21)
})

test.run()
