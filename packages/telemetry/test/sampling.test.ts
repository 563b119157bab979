import type { TraceContext } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { reasonCode } from '../src/recorder/keep-rules.ts'
import type { Recorder } from '../src/recorder/recorder.ts'
import { ended, openFlight } from './support/flight.ts'
import { agentInfo } from './support/transitions.ts'

const test = suite('sampling')
const none: ReadonlySet<string> = new Set()
const foreign: TraceContext = { traceId: 'f'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 }
const robot = agentInfo()

/** One transition under `trace`. Returns its context. */
function step(recorder: Recorder, trace: TraceContext | undefined, { error }: { readonly error?: unknown } = {}): TraceContext {
  const context = recorder.start(trace)
  recorder.end(recorder.rowOf(robot), 'go', ended(0, 0, 0, 1), 0, 'a', 'b', none, none, error, context)
  return context
}

test('a trace that was not sampled where it began is recorded and told where a rule keeps it', () => {
  const { recorder, spans, told } = openFlight({ keep: 'all' })
  const quiet = step(recorder, { ...foreign, traceFlags: 0 })
  assert.is(spans().length, 0)
  assert.equal([quiet.traceId, quiet.traceFlags], [foreign.traceId, 0])
  const failing = step(recorder, quiet, { error: 'x' })
  assert.is(failing.traceFlags, 0, 'whoever is called hears what we heard')
  assert.is(spans().length, 2)
  assert.equal(told, [{ traceId: foreign.traceId, reason: 'error' }])
})

for (const options of [{ parentBased: true }, { headRatio: 1 }]) {
  test(`unless what began elsewhere follows its root: ${JSON.stringify(options)}`, () => {
    const { recorder, spans } = openFlight({ keep: 'all', ...options })
    const context = step(recorder, { ...foreign, traceFlags: 0 }, { error: 'x' })
    assert.equal([context.traceId, context.traceFlags], [foreign.traceId, 0])
    recorder.keep(context, reasonCode('debug'))
    assert.is(spans().length, 0)
    assert.is(recorder.ring.head, 1)
  })
}

test('what began elsewhere may be decided of here: by its id, whatever was decided there', () => {
  const others = Array.from({ length: 400 }, (_, i) => ({
    ...foreign,
    traceId: `${'a'.repeat(24)}${(i * 10_737_419).toString(16).padStart(8, '0')}`,
  }))
  const told = (flags: number, headRatio: number): readonly string[] => {
    const { recorder, spans } = openFlight({ keep: 'all', headRatio, parentBased: false })
    const contexts = others.map((other) => step(recorder, { ...other, traceFlags: flags }))
    const traces = spans().map(({ traceId }) => traceId)
    // What leaves says what was decided here.
    assert.equal(
      contexts.filter(({ traceFlags }) => traceFlags === 1).map(({ traceId }) => traceId),
      traces,
    )
    return traces
  }
  assert.is(told(0, 1).length, 400)
  assert.is(told(1, 0).length, 0)
  assert.is(told(0, 0.25).length, 100)
  assert.equal(told(0, 0.25), told(1, 0.25))
})

test('a part that comes back with another flag follows its root', () => {
  const { recorder, spans } = openFlight({ keep: 'all', headRatio: 0 })
  const { traceId, spanId } = step(recorder, undefined)
  assert.is(step(recorder, { traceId, spanId, traceFlags: 1 }).traceFlags, 0)
  assert.is(spans().length, 0)
})

test('head sampling: a share of the traces that begin here', () => {
  const { recorder, spans } = openFlight({ keep: 'all', headRatio: 0.25 })
  for (let i = 0; i < 4000; i++) step(recorder, step(recorder, undefined))
  assert.is(spans().length % 2, 0)
  assert.ok(spans().length > 1800 && spans().length < 2200, String(spans().length))
})

test.run()
