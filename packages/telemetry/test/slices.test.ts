import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createSliceLedger } from '../src/recorder/slices.ts'

const test = suite('slices')
const US = '11111111'
const THEM = '22222222'
const span = (process: string, n: number): string => process + String(n).padStart(8, '0')

function setUp() {
  let nowMs = 0
  const lacking: string[] = []
  const ledger = createSliceLedger({ timeoutMs: 100, now: () => nowMs, lacks: (traceId) => lacking.push(traceId) })
  const after = (ms: number): void => {
    nowMs += ms
    ledger.settle()
  }
  const own = (traceId: string, ...needs: string[]): void => ledger.own({ traceId, process: US, spans: [span(US, 1)], needs })
  const hear = (traceId: string, ...spans: string[]): boolean => ledger.hear({ traceId, process: THEM, spans, needs: [] })
  return { ledger, lacking, after, own, hear }
}

test('a parent that another process exports in time is no loss, whoever speaks first', () => {
  const { ledger, lacking, after, own, hear } = setUp()
  own('a', span(THEM, 1))
  after(50)
  hear('a', span(THEM, 1))
  hear('b', span(THEM, 2))
  own('b', span(THEM, 2))
  after(1000)
  assert.equal([ledger.lost, lacking], [0, []])
})

test('a parent that nobody exports is a lost part of that process, told once', () => {
  const { ledger, lacking, after, own, hear } = setUp()
  hear('')
  own('a', span(THEM, 1), span(THEM, 2))
  own('a', span(THEM, 3))
  hear('a', span(THEM, 2))
  after(99)
  assert.is(ledger.lost, 0)
  after(1)
  after(1000)
  assert.equal([ledger.lost, lacking], [1, ['a']])
})

test('who never spoke here is not waited for', () => {
  const { ledger, lacking, after, own } = setUp()
  own('a', span('99999999', 1))
  after(1000)
  assert.equal([ledger.lost, lacking], [0, []])
})

test('what waits is bounded, and counted', () => {
  const { ledger, after, own, hear } = setUp()
  hear('')
  for (let i = 0; i < 5000; i++) own(`t${i}`, span(THEM, i))
  assert.is(ledger.unwatched, 5000 - 4096)
  after(1000)
  assert.is(ledger.lost, 4096)
  for (let i = 0; i < 100_000; i++) hear('x', span(THEM, i))
  own('new', span(THEM, 99_999))
  own('old', span(THEM, 1))
  after(1000)
  assert.is(ledger.lost, 4097)
})

test.run()
