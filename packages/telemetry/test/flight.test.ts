import { Worker } from 'node:worker_threads'
import { once } from 'node:events'
import type { TraceContext } from '@stigmergy/grid'
import { readFlight, type FlightRecord } from '@stigmergy/telemetry'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Recorder } from '../src/recorder/recorder.ts'
import { reasonCode } from '../src/recorder/keep-rules.ts'
import { ended, openFlight } from './support/flight.ts'
import { agentInfo } from './support/transitions.ts'

const test = suite('flight recorder')
const none: ReadonlySet<string> = new Set()
const foreign: TraceContext = { traceId: 'f'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 }

interface Step {
  readonly agent?: ReturnType<typeof agentInfo>
  readonly atMs?: number
  readonly tookMs?: number
  readonly error?: unknown
  readonly tags?: readonly string[]
  readonly to?: string
}

const robot = agentInfo()

/** As the hooks tell it: with the row of the agent. */
function end(
  recorder: Recorder,
  agent: ReturnType<typeof agentInfo>,
  atMs: number,
  endedAtMs: number,
  to: string,
  tagsAfter: ReadonlySet<string>,
  error: unknown,
  context: TraceContext | undefined,
): void {
  recorder.end(recorder.rowOf(agent), 'go', ended(atMs, atMs, 0, endedAtMs), 0, 'a', to, none, tagsAfter, error, context)
}

/** One transition under `trace`. Returns its context. */
function step(
  recorder: Recorder,
  trace: TraceContext | undefined,
  { agent = robot, atMs = 0, tookMs = 1, error, tags = [], to = 'b' }: Step = {},
) {
  const context = recorder.start(trace)
  end(recorder, agent, atMs, atMs + tookMs, to, new Set(tags), error, context)
  return context
}

/** As a message to another process or a grid entry carries it. */
const copy = ({ traceId, spanId, traceFlags }: TraceContext): TraceContext => Object.freeze({ traceId, spanId, traceFlags })

const rules = { keep: { ratio: 0 } } as const

test('a trace that fails at its end is told whole, with what came before; the others are not', () => {
  const { recorder, spans, told } = openFlight(rules)
  const roots = Array.from({ length: 50 }, (_, i) => recorder.root('camera frame', { i }, i, i))
  const seconds = roots.map((root, i) => step(recorder, root, { atMs: i }))
  const thirds = seconds.map((second, i) => step(recorder, copy(second), { atMs: 100 + i, error: i === 7 ? new Error('jam') : undefined }))
  const found = spans()
  assert.equal(
    found.map(({ name, spanId, parentId }) => [name, spanId, parentId]),
    [
      ['camera frame', roots[7]!.spanId, undefined],
      ['robot a -> b', seconds[7]!.spanId, roots[7]!.spanId],
      ['robot a -> b', thirds[7]!.spanId, seconds[7]!.spanId],
    ],
  )
  assert.ok(found.every(({ traceId }) => traceId === roots[7]!.traceId))
  assert.is(found[0]!.attributes['agent.keep.reason'], 'error')
  assert.is((found[2]!.error as Error).message, 'jam')
  assert.equal(told, [{ traceId: roots[7]!.traceId, reason: 'error' }])
})

test('what comes later in a kept trace follows, and nothing is told twice', () => {
  const { recorder, spans, flight } = openFlight(rules)
  const first = step(recorder, undefined, { error: 'x' })
  assert.is(spans().length, 1)
  const second = step(recorder, first)
  step(recorder, copy(second))
  assert.equal(
    spans().map(({ parentId }) => parentId),
    [undefined, first.spanId, second.spanId],
  )
  assert.equal({ ...flight.counts }, { traces: 1, incomplete: 0, truncated: 0 })
  assert.is(recorder.keeper.kept.error, 1)
})

test('a trace whose first transition was fine, and that fails later, is told whole however many began meanwhile', () => {
  for (const others of [0, 1, 31, 32, 33, 100]) {
    const { recorder, spans, flight } = openFlight(rules)
    const first = step(recorder, undefined)
    for (let i = 0; i < others; i++) step(recorder, undefined)
    const second = step(recorder, copy(first), { error: 'x' })
    assert.equal(
      spans().map(({ spanId, parentId }) => [spanId, parentId]),
      [
        [first.spanId, undefined],
        [second.spanId, first.spanId],
      ],
    )
    assert.equal([flight.counts.traces, flight.counts.incomplete], [1, 0])
  }
})

test('one message: parent and link', () => {
  const { recorder, spans } = openFlight({ keep: 'all' })
  const root = recorder.root('r', {}, 0, 0)
  step(recorder, root)
  const [first, second] = spans()
  assert.equal(first!.links, [])
  assert.is(second!.consumer, true)
  assert.equal(
    second!.links.map(({ context }) => [context.traceId, context.spanId]),
    [[root.traceId, root.spanId]],
  )
})

test('many causes: links to each, also when the context was copied by the grid', () => {
  const { recorder, spans } = openFlight({ keep: 'all' })
  const percepts = [1, 2, 3].map(() => recorder.root('percept', {}, 0, 0))
  for (const carried of [(context: TraceContext) => context, copy]) {
    const context = recorder.start(percepts[0])
    recorder.link(carried(context), percepts[1]!)
    recorder.link(carried(context), percepts[2]!)
    end(recorder, robot, 0, 0, 'b', none, undefined, context)
  }
  recorder.link(foreign, percepts[1]!)
  const plans = spans().filter(({ name }) => name === 'robot a -> b')
  assert.is(plans.length, 2)
  for (const { links } of plans) {
    assert.equal(
      links.map(({ context }) => context.traceId),
      percepts.map(({ traceId }) => traceId),
    )
  }
})

test('a trace older than 33,000 newer ones is told whole while the ring holds it', () => {
  const { recorder, flight, spans } = openFlight(rules)
  const root = recorder.root('camera frame', {}, 0, 0)
  const seen = step(recorder, root)
  for (let i = 0; i < 33_000; i++) recorder.root('other', {}, 1, 1)
  step(recorder, seen, { error: 'x', atMs: 1 })
  assert.equal(
    spans().map(({ name }) => name),
    ['camera frame', 'robot a -> b', 'robot a -> b'],
  )
  assert.equal([flight.counts.traces, flight.counts.incomplete], [1, 0])
})

test('a trace that the recorder has forgotten, and that comes back, is not whole', () => {
  const { recorder, flight, spans } = openFlight({ ...rules, maxMebibytes: 1 })
  const root = recorder.root('camera frame', {}, 0, 0)
  for (let i = 0; i < 33_000; i++) recorder.root('other', {}, 1, 1)
  const seen = step(recorder, root)
  step(recorder, seen, { error: 'x', atMs: 1 })
  assert.is(spans().length, 2)
  assert.equal([flight.counts.traces, flight.counts.incomplete], [1, 1])
})

test('a kept trace that was forgotten before it could be told is counted', () => {
  const { recorder, flight, spans } = openFlight({ ...rules, maxMebibytes: 1 })
  recorder.keep(recorder.start(undefined), reasonCode('debug'))
  for (let i = 0; i < 33_000; i++) recorder.start(recorder.start(undefined))
  assert.equal(spans(), [])
  assert.equal([flight.counts.traces, flight.counts.incomplete], [1, 1])
})

test('a violation, an objective missed, a tag and a word of the user keep a trace', () => {
  const { recorder, spans } = openFlight({ keep: { ratio: 0, sloMs: { planning: 10, decision: 50 }, slowPerSecond: 0 } })
  const planner = agentInfo({ id: 'p', stage: 'planning' })
  step(recorder, undefined, { tags: ['violation'], to: 'stop' })
  step(recorder, undefined, { tags: ['keep:stale'], to: 'old' })
  step(recorder, undefined, { agent: planner, tookMs: 11, to: 'late' })
  step(recorder, undefined, { agent: agentInfo({ id: 'e', stage: 'perception' }), tookMs: 51, to: 'later' })
  step(recorder, undefined, { agent: planner, tookMs: 10 })
  step(recorder, undefined, { tookMs: 1e6 })
  recorder.keep(copy(step(recorder, undefined, { to: 'drifted' })), reasonCode('drift'))
  assert.equal(
    spans().map(({ attributes }) => [attributes['agent.state.to'], attributes['agent.keep.reason']]),
    [
      ['stop', 'violation'],
      ['old', 'stale'],
      ['late', 'slo'],
      ['later', 'slo'],
      ['drifted', 'drift'],
    ],
  )
})

test('rules can be off', () => {
  const { recorder, spans } = openFlight({ keep: { ratio: 0, errors: false, violations: false } })
  step(recorder, undefined, { error: 'x', tags: ['violation'] })
  recorder.failure(recorder.rowOf(robot), { agent: robot, error: 'x', event: 'go', trace: undefined, decision: { type: 'stop' } })
  assert.is(spans().length, 0)
})

test('over the rolling 99th percentile: kept, one a second', () => {
  const { recorder, spans } = openFlight({ keep: { ratio: 0 } })
  for (let i = 0; i < 2000; i++) step(recorder, undefined, { atMs: i, tookMs: 1 + (i % 10) / 100 })
  for (let i = 0; i < 1000; i++) step(recorder, undefined, { atMs: 10_000 + i, tookMs: i % 100 === 0 ? 80 : 1 })
  const found = spans()
  assert.ok(found.length >= 1 && found.length <= 3, String(found.length))
  assert.ok(found.every(({ attributes }) => attributes['agent.keep.reason'] === 'slow'))
})

test('the base share is the same in every process', () => {
  const one = openFlight({ keep: { ratio: 0.1, slowPerSecond: 0 } }, 1)
  const two = openFlight({ keep: { ratio: 0.1, slowPerSecond: 0 } }, 2)
  for (let i = 0; i < 5000; i++) step(two.recorder, copy(step(one.recorder, undefined)))
  const [first, second] = [one, two].map(({ spans }) => spans().map(({ traceId }) => traceId))
  assert.ok(first!.length > 400 && first!.length < 600, String(first!.length))
  assert.equal(first, second)
  assert.equal([...one.told, ...two.told], [])
})

test('a reader that begins late finds the newest of ten billion records', () => {
  const { recorder } = openFlight()
  for (let i = 0; i < 5; i++) step(recorder, undefined, { to: `s${i}` })
  // As they would lie there: the same ring, so many times round.
  const { buffer, capacity } = recorder.ring
  const rounds = Math.floor(1e10 / capacity) * capacity
  const numbers = new Float64Array(buffer, 64)
  for (let i = 0; i < 5; i++) numbers[(i * 104) / 8] = rounds + i + 1
  new Int32Array(buffer, 0, 16)[1] = (rounds + 5) | 0
  const reader = readFlight({ ring: buffer, strings: recorder.strings.buffer })
  for (const from of [0, rounds, rounds - 3 * 2 ** 32]) {
    const { records, next, missed } = reader.read(from)
    assert.equal([next, records.map(({ to }) => to)], [rounds + 5, ['s0', 's1', 's2', 's3', 's4']])
    assert.is(missed, rounds - from)
  }
})

test('a cause that is not valid begins a trace', () => {
  const { recorder } = openFlight()
  const bad = [
    { traceId: '0'.repeat(32) },
    { traceId: 'x' },
    { spanId: '0'.repeat(16) },
    { spanId: 'G'.repeat(16) },
    { spanId: 'b'.repeat(17) },
  ]
  for (const over of bad) {
    const context = step(recorder, { ...foreign, ...over })
    assert.is.not(context.traceId, { ...foreign, ...over }.traceId)
    assert.match(context.traceId, /^[0-9a-f]{32}$/)
  }
})

test('an end of a start that is not known is ignored', () => {
  const { recorder } = openFlight()
  for (const context of [undefined, foreign, openFlight().recorder.start(undefined)])
    end(recorder, robot, 0, 0, 'b', none, undefined, context)
  assert.is(recorder.ring.head, 0)
})

test('spans of a trace are bounded, and the rest is counted and said once', () => {
  const { recorder, spans, flight } = openFlight({ keep: 'all', maxSpansPerTrace: 3 })
  let context: TraceContext = recorder.root('r', {}, 0, 0)
  for (let i = 0; i < 9; i++) context = step(recorder, context)
  assert.equal(
    spans().map(({ name }) => name),
    ['r', 'trace truncated', 'robot a -> b', 'robot a -> b'],
  )
  assert.equal({ ...flight.counts }, { traces: 1, incomplete: 1, truncated: 7 })
})

test('what was overwritten before it was kept is missing and counted', () => {
  const { recorder, spans, flight } = openFlight({ keep: { ratio: 0, slowPerSecond: 0 }, historyMs: 1, maxMebibytes: 1 })
  const root = recorder.root('r', {}, 0, 0)
  for (let i = 0; i < 10_000; i++) step(recorder, undefined, { atMs: i * 10 })
  const late = step(recorder, root, { atMs: 200_000, error: 'x' })
  assert.equal(
    spans().map(({ spanId }) => spanId),
    [late.spanId],
  )
  assert.equal({ ...flight.counts }, { traces: 1, incomplete: 1, truncated: 0 })
})

test('kept traces leave the ring before they are overwritten, also when nobody asks for them', () => {
  const { recorder, emitted, flight } = openFlight({ keep: { ratio: 0, slowPerSecond: 0 }, historyMs: 1, maxMebibytes: 1 })
  let wanted = 0
  for (let i = 0; i < 50_000; i++) {
    const context = step(recorder, undefined, { atMs: i * 10 })
    if (i % 100 !== 0) continue
    step(recorder, copy(context), { atMs: i * 10, error: 'x' })
    wanted += 2
  }
  const before = emitted.length
  assert.ok(before > wanted - 200, `${before} of ${wanted}`)
  flight.run(Infinity)
  assert.is(emitted.length, wanted)
  assert.is(flight.counts.incomplete, 0)
})

test('a decision from elsewhere keeps what is here and what is to come, and is not told again', () => {
  const { recorder, spans, told } = openFlight(rules)
  const known = step(recorder, { ...foreign, traceId: 'a'.repeat(32) })
  recorder.keepRemote(known.traceId, 'error')
  recorder.keepRemote(foreign.traceId, 'error')
  recorder.keepRemote('nonsense', 'error')
  const later = step(recorder, foreign)
  assert.equal(
    spans().map(({ spanId }) => spanId),
    [known.spanId, later.spanId],
  )
  assert.equal(told, [])
  assert.is(recorder.keeper.kept.remote, 2)
})

test('another thread reads the records while they are written', async () => {
  const { recorder } = openFlight({ historyMs: 1000, maxMebibytes: 1 })
  const memory = { ring: recorder.ring.buffer, strings: recorder.strings.buffer }
  // A worker does not take TypeScript by itself.
  const program = new URL('./support/flight-worker.ts', import.meta.url)
  const worker = new Worker(
    `import(${JSON.stringify(import.meta.resolve('tsx/esm/api'))}).then(({ register }) => (register(), import(${JSON.stringify(program)})))`,
    { eval: true, workerData: memory },
  )
  // More agents than the table of texts has places, so that places are used again under the reader's hands.
  const total = 120_000
  await once(worker, 'message')
  let last: TraceContext = recorder.root('camera frame', {}, 0, 0)
  for (let i = 1; i < total; i++) {
    last = step(recorder, last, { agent: agentInfo({ id: `r${i}` }), atMs: i / 1000, to: `s${i % 5}` })
    // Gives the other thread a turn on a machine with one core.
    if (i % 1000 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  worker.postMessage(total)
  const [{ read, missed, wrong, newest }] = (await once(worker, 'message')) as [
    { readonly read: number; readonly missed: number; readonly wrong: number; readonly newest: FlightRecord },
  ]
  assert.is(wrong, 0)
  assert.is(read + missed, total)
  assert.ok(read >= 4000, `${read} read`)
  assert.is(newest.spanId, last.spanId)
  assert.is(newest.agentType, 'robot')
  await worker.terminate()
})

test('changes of the grid are records without a trace', () => {
  const { recorder, clock } = openFlight()
  recorder.change('parts', 'put')
  const { records, next, missed } = readFlight({ ring: recorder.ring.buffer, strings: recorder.strings.buffer }).read(0)
  assert.equal([next, missed], [1, 0])
  const [{ kind, agentType, event, traceId, endedAtMs }] = records as [FlightRecord]
  assert.equal([kind, agentType, event, traceId, endedAtMs], ['change', 'parts', 'put', '0'.repeat(32), clock.now()])
})

test('memory that is no recorder is refused', () => {
  assert.throws(() => readFlight({ ring: new SharedArrayBuffer(1000), strings: new SharedArrayBuffer(100) }), /no flight recorder/)
})

test.run()
