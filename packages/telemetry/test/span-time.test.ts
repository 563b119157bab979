import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createSpanTime } from '../src/span-time.ts'

const test = suite('time of spans')

function setUp() {
  const at = { monotonic: 1000, wall: 1_700_000_000_000, held: 0 }
  const clock = {
    now: () => at.monotonic,
    wallNow() {
      at.monotonic += at.held
      return at.wall
    },
  }
  const time = createSpanTime(clock)
  const pass = (ms: number, wallMs = ms): number => {
    at.wall += wallMs
    return (at.monotonic += ms)
  }
  return { at, time, pass }
}

test('a clock that is slewed changes no span', () => {
  const { time, pass } = setUp()
  const start = time.toEpochMs(1000)
  const later = pass(5000, 5200)
  assert.is(time.toEpochMs(later) - start, 5000)
})

test('after a step of the wall clock spans have the new time, whole', () => {
  const { at, time, pass } = setUp()
  const begun = pass(90)
  const ended = pass(100, 100 + 3_600_000)
  // As a span is made: its end first.
  assert.is(time.toEpochMs(ended), at.wall)
  assert.is(time.toEpochMs(ended) - time.toEpochMs(begun), 100)
  assert.equal(time.now(), [Math.floor(at.wall / 1000), (at.wall % 1000) * 1e6])
  assert.is(time.offsetMs(), at.wall - at.monotonic)
  const back = pass(2000, -3_600_000)
  assert.is(time.toEpochMs(back), at.wall)
})

test('two readings between which the process was held say nothing', () => {
  const { at, time, pass } = setUp()
  const start = time.toEpochMs(1000)
  const later = pass(2000)
  at.held = 400
  at.wall -= 300
  assert.is(time.toEpochMs(later) - start, 2000)
})

test.run()
