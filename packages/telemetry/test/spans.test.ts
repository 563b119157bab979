import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createVirtualClock } from '@stigmergy/grid'
import { createSpanTime } from '../src/span-time.ts'
import { createSpanHooks } from '../src/spans.ts'
import { memoryTracer } from './support/otel.ts'
import { agentInfo, endOf, startOf } from './support/transitions.ts'

const test = suite('spans')
const cause = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 }

function setUp() {
  const clock = createVirtualClock({ wallStartMs: 1_700_000_000_000 })
  const { tracer, spans } = memoryTracer()
  return { clock, spans, hooks: createSpanHooks(tracer, createSpanTime(clock)) }
}

test('a transition is one span under the context that came with its event', () => {
  const { hooks, spans } = setUp()
  const context = hooks.onTransitionStart!(startOf({ trace: cause }))!
  assert.is(context.traceId, cause.traceId)
  assert.is.not(context.spanId, cause.spanId)
  assert.is(context.traceFlags, 1)
  hooks.onTransitionEnd!(endOf({ trace: cause, context, from: 'idle', to: '{"picking":"reach"}', tagsAfter: new Set(['stage:actuation']) }))
  const [span] = spans()
  assert.is(span!.name, 'robot idle -> picking.reach')
  assert.is(span!.spanContext().spanId, context.spanId)
  assert.is(span!.parentSpanContext?.spanId, cause.spanId)
  assert.is(span!.parentSpanContext?.isRemote, true)
  assert.is(span!.kind, SpanKind.CONSUMER)
  assert.equal(span!.attributes, {
    'agent.id': 'r1',
    'agent.type': 'robot',
    'agent.event': 'parts.put',
    'agent.restarts': 0,
    'agent.mailbox.wait_ms': 2,
    'agent.state.from': 'idle',
    'agent.state.to': 'picking.reach',
    'agent.stage': 'actuation',
    'messaging.system': 'stigmergy',
    'messaging.operation.type': 'process',
    'messaging.destination.template': 'robot',
  })
  assert.is(span!.status.code, SpanStatusCode.UNSET)
})

test('an event without a cause begins a trace', () => {
  const { hooks, spans } = setUp()
  const one = hooks.onTransitionStart!(startOf())!
  const two = hooks.onTransitionStart!(startOf())!
  hooks.onTransitionEnd!(endOf({ context: one }))
  assert.is.not(one.traceId, two.traceId)
  assert.match(one.traceId, /^(?!0+$)[0-9a-f]{32}$/)
  assert.match(one.spanId, /^(?!0+$)[0-9a-f]{16}$/)
  assert.is(spans()[0]!.parentSpanContext, undefined)
  assert.is(spans()[0]!.kind, SpanKind.INTERNAL)
})

test('a cause that is not valid begins a trace', () => {
  const { hooks } = setUp()
  const context = hooks.onTransitionStart!(startOf({ trace: { traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 } }))!
  assert.is.not(context.traceId, '0'.repeat(32))
})

test('a cause that is not sampled is followed without a span', () => {
  const { hooks, spans } = setUp()
  const context = hooks.onTransitionStart!(startOf({ trace: { ...cause, traceFlags: 0 } }))!
  hooks.onTransitionEnd!(endOf({ context }))
  assert.is(context.traceId, cause.traceId)
  assert.is(context.traceFlags, 0)
  assert.is(spans().length, 0)
})

test('times are those of the given clock, also when they are small', () => {
  const { hooks, spans } = setUp()
  const context = hooks.onTransitionStart!(startOf({ startedAtMs: 1.5 }))!
  hooks.onTransitionEnd!(endOf({ context, startedAtMs: 1.5, endedAtMs: 3.25 }))
  assert.equal(spans()[0]!.startTime, [1_700_000_000, 1_500_000])
  assert.equal(spans()[0]!.endTime, [1_700_000_000, 3_250_000])
  assert.equal(spans()[0]!.duration, [0, 1_750_000])
})

test('a clock that starts at 1970 is a clock too', () => {
  const { tracer, spans } = memoryTracer()
  const hooks = createSpanHooks(tracer, createSpanTime(createVirtualClock({ wallStartMs: 0 })))
  const context = hooks.onTransitionStart!(startOf({ startedAtMs: 5 }))!
  hooks.onTransitionEnd!(endOf({ context, endedAtMs: 7 }))
  assert.equal(spans()[0]!.startTime, [0, 5_000_000])
  assert.equal(spans()[0]!.endTime, [0, 7_000_000])
})

test('a transition that throws has error status and the exception', () => {
  const { hooks, spans } = setUp()
  const context = hooks.onTransitionStart!(startOf({ trace: cause }))!
  hooks.onTransitionEnd!(endOf({ trace: cause, context, to: 'idle', error: new RangeError('arm stuck') }))
  const [span] = spans()
  assert.equal(span!.status, { code: SpanStatusCode.ERROR, message: 'arm stuck' })
  assert.is(span!.events[0]!.name, 'exception')
  assert.is(span!.events[0]!.attributes!['exception.type'], 'RangeError')
  assert.equal(span!.events[0]!.time, span!.endTime)
})

test('what is thrown may be anything', () => {
  const { hooks, spans } = setUp()
  for (const error of ['text', 0, null, { toString: () => 'object' }]) {
    hooks.onTransitionEnd!(endOf({ context: hooks.onTransitionStart!(startOf()), error }))
  }
  assert.equal(
    spans().map((span) => span.status.message),
    ['text', '0', 'null', 'object'],
  )
})

test('a thrown value that cannot be described still ends its span', () => {
  const { hooks, spans } = setUp()
  const context = hooks.onTransitionStart!(startOf())
  assert.throws(() => hooks.onTransitionEnd!(endOf({ context, error: Object.create(null) })))
  assert.is(spans().length, 1)
})

test('an end without a known start, or told twice, is ignored', () => {
  const { hooks, spans } = setUp()
  hooks.onTransitionEnd!(endOf())
  hooks.onTransitionEnd!(endOf({ context: cause }))
  const context = hooks.onTransitionStart!(startOf())
  hooks.onTransitionEnd!(endOf({ context }))
  hooks.onTransitionEnd!(endOf({ context }))
  assert.is(spans().length, 1)
})

test('failure and restart are points in the trace of the event that failed', async () => {
  const { hooks, spans, clock } = setUp()
  const agent = agentInfo()
  await clock.advance(10)
  hooks.onFailure!({
    agent,
    error: new Error('boom'),
    event: 'parts.put',
    trace: cause,
    decision: { type: 'restart', delayMs: 40, restarts: 1 },
  })
  await clock.advance(40)
  hooks.onRestart!(agent, 1, 'checkpoint')
  const [failed, restarted] = spans()
  assert.is(failed!.name, 'robot failed')
  assert.is(failed!.status.code, SpanStatusCode.ERROR)
  assert.is(failed!.attributes['agent.failure.decision'], 'restart')
  assert.is(failed!.attributes['agent.failure.delay_ms'], 40)
  assert.is(restarted!.name, 'robot restarted')
  assert.is(restarted!.attributes['agent.restored.from'], 'checkpoint')
  for (const span of [failed, restarted]) {
    assert.is(span!.spanContext().traceId, cause.traceId)
    assert.is(span!.parentSpanContext?.spanId, cause.spanId)
    assert.equal(span!.duration, [0, 0])
  }
  assert.is(restarted!.startTime[1] - failed!.startTime[1], 40_000_000)
})

test('an agent that was stopped leaves no trace behind for its successor', () => {
  const { hooks, spans } = setUp()
  const agent = agentInfo()
  hooks.onFailure!({ agent, error: 'x', event: 'e', trace: cause, decision: { type: 'restart', delayMs: 1, restarts: 1 } })
  hooks.onStop!(agent, 'stopped')
  hooks.onRestart!(agent, 1, 'initial')
  assert.is.not(spans()[1]!.spanContext().traceId, cause.traceId)
})

test.run()
