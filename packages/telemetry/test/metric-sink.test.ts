import { ExportResultCode, type ExportResult } from '@opentelemetry/core'
import {
  AggregationTemporality,
  DataPointType,
  InstrumentType,
  MeterProvider,
  type PushMetricExporter,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { periodicMetricSink } from '../src/node/metric-sink.ts'

const test = suite('metric-sink')

function setUp(answer: (metrics: ResourceMetrics, done: (result: ExportResult) => void, nth: number) => void) {
  const exports: ResourceMetrics[] = []
  const failures: string[] = []
  const exporter: PushMetricExporter = {
    export(metrics, done) {
      exports.push(metrics)
      answer(metrics, done, exports.length)
    },
    forceFlush: async () => {},
    shutdown: async () => {},
    selectAggregationTemporality: (type) =>
      type === InstrumentType.COUNTER ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE,
  }
  const sink = periodicMetricSink(exporter, {
    intervalMs: 3_600_000,
    timeoutMs: 60_000,
    onFailure: (error) => failures.push(error.message),
  })
  const meter = new MeterProvider({ readers: [sink.reader] }).getMeter('test')
  meter.createCounter('c_total').add(1)
  return { sink, meter, exports, failures }
}

/** Lets promises and immediates run until that is so. */
async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1000 && !condition(); turn++) await new Promise(setImmediate)
  assert.ok(condition())
}

test('the last export does not wait for one that never answers', async () => {
  const { sink, meter, exports, failures } = setUp((_, done, nth) => nth > 1 && done({ code: ExportResultCode.SUCCESS }))
  void sink.flush()
  await until(() => exports.length === 1)
  meter.createCounter('c_total').add(1)
  const closed = sink.close()
  await until(() => exports.length === 2)
  // What the first one carried may be lost: that still counts.
  assert.equal(failures, [])
  sink.abort(new Error('given up'))
  await closed
  assert.equal(failures, ['given up'])
})

test('a failing exporter is counted and close still ends', async () => {
  const { sink, failures } = setUp(() => {
    throw new Error('boom')
  })
  await sink.close()
  assert.equal(failures, ['boom'])
})

test('the exporter chooses the temporality, but a gauge forgets what was not observed', async () => {
  const { sink, meter, exports } = setUp((_, done) => done({ code: ExportResultCode.SUCCESS }))
  let observed = true
  meter.createObservableGauge('g').addCallback((result) => {
    if (observed) result.observe(1)
  })
  await sink.flush()
  observed = false
  meter.createCounter('c_total').add(2)
  await sink.close()
  const told = exports.map((each) => each.scopeMetrics.flatMap((scope) => scope.metrics).map((metric) => metric.descriptor.name))
  assert.equal(told, [['c_total', 'g'], ['c_total']])
  const [counter] = exports[1]!.scopeMetrics[0]!.metrics
  assert.is(counter!.aggregationTemporality, AggregationTemporality.DELTA)
  assert.ok(counter!.dataPointType === DataPointType.SUM && counter!.dataPoints[0]!.value === 2)
})

test.run()
