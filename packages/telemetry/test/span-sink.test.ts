import { ExportResultCode } from '@opentelemetry/core'
import { BasicTracerProvider, type ReadableSpan, type SpanExporter, type SpanProcessor } from '@opentelemetry/sdk-trace-base'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createLostSpans } from '../src/node/lost-spans.ts'
import { batchedSpanSink, directSpanSink } from '../src/node/span-sink.ts'
import { createTally } from '../src/tally.ts'

const test = suite('span-sink')

function collecting(): { readonly exporter: SpanExporter; readonly names: string[] } {
  const names: string[] = []
  return {
    names,
    exporter: {
      export(spans: ReadableSpan[], done) {
        names.push(...spans.map((span) => span.name))
        done({ code: ExportResultCode.SUCCESS })
      },
      shutdown: async () => {},
    },
  }
}

test('spans arrive in batches; those beyond the queue are dropped and counted', async () => {
  const { exporter, names } = collecting()
  let lost = 0
  const sink = batchedSpanSink(exporter, { lose: () => lost++, queueSize: 10, timeoutMs: 1000, onFailure: () => {} })
  const tracer = new BasicTracerProvider({ spanProcessors: [sink.processor] }).getTracer('test')
  for (let i = 0; i < 15; i++) tracer.startSpan(`s${i}`).end()
  await sink.flush()
  tracer.startSpan('after').end()
  await sink.close()
  // The SDK begins a batch as soon as the queue is full, which makes room at once: nothing more than what it counts is lost.
  assert.is(names.length + lost, 16)
  assert.ok(names.includes('s0') && names.includes('after'))
})

test('an exporter that never answers: the queue stays bounded, the rest is counted', async () => {
  let lost = 0
  const failures: string[] = []
  let handedOver = 0
  const exporter: SpanExporter = { export: (spans) => void (handedOver += spans.length), shutdown: async () => {} }
  const sink = batchedSpanSink(exporter, {
    lose: () => lost++,
    queueSize: 100,
    timeoutMs: 60_000,
    onFailure: (error) => failures.push(error.message),
  })
  const tracer = new BasicTracerProvider({ spanProcessors: [sink.processor] }).getTracer('test')
  for (let i = 0; i < 1000; i++) tracer.startSpan('s').end()
  assert.is(lost, 1000 - 100 - handedOver)
  assert.ok(handedOver <= 100)
  const closed = sink.close().catch(() => 'rejected')
  sink.abort(new Error('given up'))
  await Promise.resolve()
  sink.abort(new Error('given up'))
  await closed
  assert.ok(failures.includes('given up'))
})

test('a processor that throws on the hot path throws no further', () => {
  const tally = createTally()
  const lacking: (string | number)[] = []
  const { lose } = createLostSpans(tally, (trace) => lacking.push(trace))
  const boom = (): never => {
    throw new Error('boom')
  }
  const rude: SpanProcessor = { onStart: boom, onEnd: boom, forceFlush: boom, shutdown: boom }
  const sink = directSpanSink(rude, lose)
  const tracer = new BasicTracerProvider({ spanProcessors: [sink.processor] }).getTracer('test')
  const span = tracer.startSpan('s')
  span.end()
  assert.is(tally.dropped.span, 1, 'one span, though it throws twice')
  assert.equal(lacking, [span.spanContext().traceId])
})

test.run()
