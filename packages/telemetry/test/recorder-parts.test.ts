import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { RecordedContext } from '../src/recorder/context.ts'
import { Contexts } from '../src/recorder/contexts.ts'
import { createHex, mix, parseWord, unmix } from '../src/recorder/hex.ts'
import { Ids } from '../src/recorder/ids.ts'
import { inShare, reasonCode, reasonOfTags } from '../src/recorder/keep-rules.ts'
import { Keeper } from '../src/recorder/keeper.ts'
import { F64, RECORD_U32 } from '../src/recorder/layout.ts'
import { Ring } from '../src/recorder/ring.ts'
import { SlowLimit } from '../src/recorder/slow.ts'
import { readStrings } from '../src/recorder/read-strings.ts'
import { StringTable } from '../src/recorder/strings.ts'
import { TRACE_F64, TRACE_U32, TraceTable } from '../src/recorder/traces.ts'
import { seeded } from './support/seeded.ts'

const test = suite('parts of the recorder')
const edges = [0, 1, 0xf, 0xff, 0x100, 0xfff, 0x1000, 0x7fffffff, 0x80000000, 0xffffffff]

test('hex: words and back; what is none is told', () => {
  const hex = createHex()
  for (const value of edges) {
    assert.is(hex.word(value), value.toString(16).padStart(8, '0'))
    assert.is(parseWord(`..${hex.word(value)}`, 2), value)
  }
  for (const bad of ['0000000', '0000000g', '0000000G', 'ABCDEF00', '0000 000', '']) assert.is(parseWord(bad, 0), -1, bad)
})

test('hex: mixing is one to one', () => {
  const random = seeded(1)
  const values = [0, 1, 0xf, 0xff, 0x7fffff, 0xffffff, ...Array.from({ length: 1000 }, () => Math.floor(random() * 2 ** 24))]
  for (const value of values) assert.is(unmix(mix(value)), value)
})

test('ids: texts are the words, spans count up over the pages of their text', () => {
  const ids = new Ids(seeded(2))
  const seen = new Set<string>()
  const hex = createHex()
  for (let i = 0; i < 10_000; i++) {
    const low = ids.nextSpan()
    const text = ids.spanText(low)
    assert.is(text, hex.word(ids.spanHigh) + hex.word(low))
    seen.add(text)
  }
  assert.is(seen.size, 10_000)
})

test('ids: a trace of our own is found by its id, also over 2 ** 32 of them; others are not', () => {
  const ids = new Ids(seeded(3))
  const hex = createHex()
  const texts = new Map<number, string>()
  for (const number of [0, 1, 77, 2 ** 32 - 1, 2 ** 32, 2 ** 33 + 5]) {
    const text = ids.traceText(number)
    assert.match(text, /^[0-9a-f]{32}$/)
    const words = new Uint32Array(4)
    ids.writeTrace(number, words, 0)
    assert.is([...words].map((word) => hex.word(word)).join(''), text)
    assert.is(ids.ownTrace(text), number)
    texts.set(number, text)
  }
  // Whichever was asked for last.
  for (const [number, text] of texts) assert.is(ids.ownTrace(text), number)
  assert.is.not(ids.traceText(0), ids.traceText(2 ** 32))
  assert.is(ids.ownTrace('a'.repeat(32)), -1)
})

test('the base share is even over our ids', () => {
  const ids = new Ids(seeded(4))
  let kept = 0
  for (let number = 0; number < 100_000; number++) if (inShare(ids.lastWord(number), 0.01)) kept += 1
  assert.ok(kept > 900 && kept < 1100, String(kept))
})

test('the base share is even over the first traces of many processes', () => {
  const random = seeded(9)
  const processes = Array.from({ length: 500 }, () => new Ids(random))
  for (const number of [0, 1, 300]) {
    const kept = processes.filter((ids) => inShare(ids.lastWord(number), 0.2)).length
    assert.ok(kept > 70 && kept < 130, `${kept} of the traces with number ${number}`)
  }
})

test('tags of a state that was entered give a reason', () => {
  const none = new Set<string>()
  assert.is(reasonOfTags(none, new Set(['stage:planning', 'violation'])), reasonCode('violation'))
  assert.is(reasonOfTags(none, new Set(['keep:stale'])), reasonCode('stale'))
  assert.is(reasonOfTags(none, new Set(['keep:nonsense', 'other'])), 0)
  assert.is(reasonOfTags(new Set(['violation']), new Set(['violation'])), 0)
})

test('strings: numbers and back, on another reader too; bounded and counted', () => {
  const table = new StringTable({ maxStrings: 5, maxBytes: 600 })
  const read = readStrings(table.buffer)
  assert.is(table.intern(''), 0)
  const a = table.intern('grün')
  assert.is(table.intern('grün'), a)
  assert.is(read(a), 'grün')
  const long = table.intern('x'.repeat(600))
  assert.is(read(long), 'x'.repeat(512))
  assert.is(table.intern('x'.repeat(700)), long)
  const full = table.intern('y'.repeat(100))
  assert.is(table.text(full), 'other')
  const last = table.intern('z')
  assert.is(read(last), 'z')
  assert.is(table.text(table.intern('no room')), 'other')
  assert.is(table.refused, 2)
})

test('strings: ids of agents leave a quarter of the places to names; what is full is told once', () => {
  const told: string[] = []
  const table = new StringTable({ maxStrings: 16, maxBytes: 600, full: (what) => void told.push(what) })
  const ids = Array.from({ length: 20 }, (_, i) => table.internId(`job-${i}`))
  assert.is(ids.filter((id) => table.text(id) !== 'other').length, 10, 'twelve places, with the empty text and `other`')
  assert.equal([told, table.refused], [['ids'], 10])
  const names = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => table.text(table.intern(name)))
  assert.equal(names, ['a', 'b', 'c', 'd', 'other', 'other'])
  assert.is(table.text(table.internId('a')), 'a', 'an id that is known as a name')
  assert.equal([told, table.refused], [['ids', 'names'], 12])
})

/** A ring of 4 records at the start and 16 at most, whose records say when they were written. */
function smallRing() {
  const ring = new Ring({ historyMs: 100, minLog2: 2, maxLog2: 4 })
  const write = (atMs: number): void => {
    const at = ring.claim(atMs) / 2
    ring.f64[at + F64.endedAtMs] = atMs
    ring.f64[at + F64.seq] = ring.head + 1
    ring.commit()
  }
  const there = (): number[] => {
    const found: number[] = []
    for (let seq = 0; seq < ring.head; seq++) {
      const at = ring.find(seq)
      if (at >= 0) found.push(ring.f64[at / 2 + F64.seq]! - 1)
    }
    return found
  }
  return { ring, write, there }
}

test('a ring does not grow for what is older than the history', () => {
  const { ring, write, there } = smallRing()
  for (let i = 0; i < 10; i++) write(i * 100)
  assert.is(ring.capacity, 4)
  assert.equal(there(), [6, 7, 8, 9])
  assert.is(ring.lostEarly, 0)
  assert.is(ring.overwritten, 6)
  assert.is(ring.find(5), -1)
  assert.is(ring.find(10), -1)
})

test('of a block that is overwritten, those count as lost that are young', () => {
  const { ring, write } = smallRing()
  for (let i = 0; i < 16; i++) write(i * 10)
  assert.equal([ring.capacity, ring.lostEarly], [16, 0])
  // At 105 the first of two is old, the second is not; at 160 both of the next are; at 125 both are young.
  write(105)
  write(105)
  assert.is(ring.lostEarly, 1)
  write(160)
  write(160)
  assert.is(ring.lostEarly, 1)
  write(125)
  write(125)
  assert.is(ring.lostEarly, 3)
})

test('a ring grows while its oldest record is young, up to its bound, then counts what is lost', () => {
  const { ring, write, there } = smallRing()
  for (let i = 0; i < 16; i++) write(i)
  assert.is(ring.capacity, 16)
  assert.equal(there(), [...Array(16).keys()])
  for (let i = 16; i < 20; i++) write(i)
  assert.is(ring.lostEarly, 4)
  assert.equal(there()[0], 4)
})

test('a ring that grows late keeps what it holds, and finds nothing that it does not hold', () => {
  const { ring, write, there } = smallRing()
  for (let i = 0; i < 8; i++) write(i * 100)
  for (let i = 0; i < 20; i++) write(800 + i)
  assert.is(ring.capacity, 16)
  const found = there()
  assert.equal(
    found,
    [...Array(found.length).keys()].map((i) => 28 - found.length + i),
  )
  assert.ok(found.length > 4 && found.length <= 16, String(found.length))
  assert.is(ring.u32.length, 16 * RECORD_U32)
})

test('what is on the heap for a record goes with it', () => {
  const ring = new Ring({ historyMs: 1, minLog2: 1, maxLog2: 1 })
  const write = (kind: number, error?: string): number => {
    const at = ring.claim(1000)
    ring.u32[at + 17] = kind
    const seq = ring.commit()
    if (error !== undefined) ring.setExtra(seq, { error })
    return seq
  }
  const first = write(0x200, 'a')
  assert.is(ring.extra(first)?.error, 'a')
  write(1)
  assert.is(ring.extra(write(1)), undefined)
})

test('the slow limit follows the 99th percentile and tells only so many a second', () => {
  const slow = new SlowLimit(2)
  const random = seeded(5)
  assert.not.ok(slow.over(1e6, 0))
  assert.is(slow.limitMs, Infinity)
  for (let i = 0; i < 4096; i++) slow.over(random() * 10, 0)
  assert.ok(slow.limitMs >= 9.8 && slow.limitMs <= 12.3, String(slow.limitMs))
  let told = 0
  for (let ms = 0; ms < 3000; ms += 10) if (slow.over(50, 10_000 + ms)) told += 1
  assert.is(told, 6)
  for (let i = 0; i < 20_000; i++) slow.over(1, 20_000)
  assert.ok(slow.limitMs < 1.3, String(slow.limitMs))
})

test('the slow limit takes any number', () => {
  const slow = new SlowLimit(1)
  for (let round = 0; round < 300; round++) for (const ms of [0, -1, 0.0005, 0.004, 1e12, Infinity, Number.NaN]) slow.over(ms, round)
  assert.ok(slow.limitMs > 0)
})

test('traces: the newest are known, older ones give their row away', () => {
  const ids = new Ids(seeded(6))
  const table = new TraceTable(ids, 2)
  const own = table.begin()
  const foreign = table.open('c'.repeat(32))
  assert.is(table.find(ids.traceText(own)), own)
  assert.is(table.open('c'.repeat(32)), foreign)
  table.u32[table.row(own) * 16 + TRACE_U32.keep] = 3
  for (let i = 0; i < 4; i++) table.begin()
  assert.ok(table.has(own) && table.has(foreign), 'their rows are not needed yet')
  for (let number = own + 4; number <= foreign + 4; number++) assert.ok(table.has(number))
  assert.not.ok(table.has(own))
  assert.is(table.find('c'.repeat(32)), -1)
  assert.is(table.u32[table.row(own) * 16 + TRACE_U32.keep], 0)
  // Back again, as a row of its own that is not mistaken for the number in its id.
  const again = table.open(ids.traceText(own))
  assert.ok(table.has(again) && again !== own)
  assert.is(table.find(ids.traceText(own)), again)
})

test('traces: the table grows while a row would be taken from a trace that can still be read, up to its bound', () => {
  const ids = new Ids(seeded(8))
  const table = new TraceTable(ids, 2, 3, () => true)
  const foreign = table.open('c'.repeat(32))
  const begin = (): number => {
    const number = table.begin()
    assert.ok(table.has(number))
    table.f64[table.row(number) * 8 + TRACE_F64.last] = 100 + number
    return number
  }
  table.f64[table.row(foreign) * 8 + TRACE_F64.last] = 100 + foreign
  const own = Array.from({ length: 7 }, begin)
  assert.is(table.capacity, 8)
  assert.is(table.find('c'.repeat(32)), foreign)
  for (const number of [foreign, ...own]) {
    assert.ok(table.has(number))
    assert.is(table.f64[table.row(number) * 8 + TRACE_F64.last], 100 + number)
  }
  for (const number of own) assert.is(table.find(ids.traceText(number)), number)
  begin()
  assert.is(table.capacity, 8, 'the bound')
  assert.not.ok(table.has(foreign))
})

test('traces: the first record of one without a row is in the row that is made when somebody asks', () => {
  const ids = new Ids(seeded(9))
  const table = new TraceTable(ids, 6)
  const made: number[] = []
  table.whenMade = (number) => made.push(number)
  const numbers = Array.from({ length: 5 }, () => table.begin())
  const [first, second, third] = numbers as [number, number, number]
  const row = (number: number) => [table.f64[table.row(number) * 8 + TRACE_F64.last], table.u32[table.row(number) * 16 + TRACE_U32.pending]]
  assert.ok(table.noteFirst(second, 70))
  assert.not.ok(table.noteFirst(second, 71), 'its second record is for the row')
  assert.is(table.isKept(second), false)
  assert.equal(made, [])
  assert.is(table.find(ids.traceText(first)), first)
  assert.ok(table.has(second))
  assert.equal(made, [first, second])
  assert.equal(row(first), [0, 0])
  assert.equal(row(second), [71, 1])
  assert.not.ok(table.noteFirst(first, 72) || table.noteFirst(second, 72), 'they have rows')
  // A foreign trace has its row at once, and one that is too old, or not there yet, gets none.
  assert.is(table.open('c'.repeat(32)), 5)
  assert.not.ok(table.noteFirst(5, 73) || table.has(6))
  for (let i = 0; i < 64; i++) assert.ok(table.noteFirst(table.begin(), 100 + i))
  assert.not.ok(table.has(third) || table.noteFirst(third, 300))
  assert.ok(table.has(second), 'nobody has taken its row')
  assert.is(made.length, 2)
})

test('traces: the table grows also for records of those that have no row', () => {
  const ids = new Ids(seeded(10))
  let gone = 0
  const table = new TraceTable(ids, 2, 4, (seq) => seq >= gone)
  for (let seq = 0; seq < 8; seq++) assert.ok(table.noteFirst(table.begin(), seq))
  assert.is(table.capacity, 8)
  gone = 4
  for (let seq = 8; seq < 12; seq++) assert.ok(table.noteFirst(table.begin(), seq))
  assert.is(table.capacity, 8, 'the records of those before are gone')
  const last = (number: number) => table.has(number) && table.f64[table.row(number) * 8 + TRACE_F64.last]
  for (let number = 4; number < 12; number++) assert.is(last(number), number + 1)
  for (let number = 0; number < 4; number++) assert.not.ok(table.has(number))
  for (let seq = 12; seq < 24; seq++) table.begin()
  assert.is(table.capacity, 8, 'their rows are not needed yet')
  assert.ok(table.has(16))
  assert.is(table.capacity, 16)
  for (let number = 8; number < 12; number++) assert.is(last(number), number + 1)
})

test('traces: the table grows in the middle of several that begin at once', () => {
  let gone = 0
  const table = new TraceTable(new Ids(seeded(1)), 3, 5, (seq) => seq >= gone)
  for (let seq = 0; seq < 8; seq++) assert.ok(table.noteFirst(table.begin(), seq))
  gone = 2
  const first = table.begin(4)
  assert.equal([first, table.capacity], [8, 16])
  for (let i = 0; i < 4; i++) assert.ok(table.noteFirst(first + i, 8 + i))
  for (let number = 2; number < 12; number++) assert.ok(table.has(number), String(number))
})

/** Contexts over a table of 128 traces, whose records are never there. */
function openContexts() {
  const ids = new Ids(seeded(2))
  const table = new TraceTable(ids, 7)
  const contexts = new Contexts(table, ids, new Keeper(table, 0, () => {}), { headRatio: 1, parentBased: undefined })
  const open = (i: number): number => contexts.open(i.toString(16).padStart(32, 'f'), 1)
  return { table, open, next: () => RecordedContext.trace(contexts.make(undefined)) }
}

test('contexts that were made before they were needed are used while their traces are known, and no longer', () => {
  const { table, open, next } = openContexts()
  next()
  for (let i = 0; i < 130; i++) open(i)
  assert.ok(table.noteFirst(next(), 1))
})

test('a trace from elsewhere throws none away that is as good as new', () => {
  const { open, next } = openContexts()
  for (let i = 0; i < 96; i++) next()
  const trace = next()
  open(1)
  assert.is(next(), trace + 1)
})

test('traces: what is no id has no row', () => {
  const table = new TraceTable(new Ids(seeded(7)), 2)
  for (const bad of ['', '0'.repeat(32), 'A'.repeat(32), 'a'.repeat(31), 'a'.repeat(33), 'g'.repeat(32)])
    assert.is(table.open(bad), -1, bad)
})

test.run()
