import { AggregationTemporality, DataPointType, type MetricData } from '@opentelemetry/sdk-metrics'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { createRegistry } from '@stigmergy/telemetry'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { metricProducer } from '../src/node/metric-producer.ts'

const test = suite('metric-producer')

function setUp(temporality: AggregationTemporality) {
  const registry = createRegistry({ maxSeries: 10, kept: () => false, refused: () => {}, readerFailed: () => {} })
  let seconds = 0
  const producer = metricProducer(registry, {
    scope: 'test',
    resource: resourceFromAttributes({ 'service.name': 's' }),
    now: () => [seconds++, 0],
    temporality: () => temporality,
  })
  const read = async (): Promise<readonly MetricData[]> => (await producer.collect()).resourceMetrics.scopeMetrics[0]!.metrics
  return { registry, read }
}

test('sums since the start', async () => {
  const { registry, read } = setUp(AggregationTemporality.CUMULATIVE)
  const counter = registry.counter('agent_restarts_total').bind({ agent_type: 'robot' })
  counter.add(1)
  await read()
  counter.add(2)
  const [metric] = await read()
  assert.ok(metric?.dataPointType === DataPointType.SUM && metric.isMonotonic)
  assert.equal(metric.dataPoints, [{ startTime: [0, 0], endTime: [2, 0], attributes: { agent_type: 'robot' }, value: 3 }])
})

test('differences since the last time, of counters and histograms', async () => {
  const { registry, read } = setUp(AggregationTemporality.DELTA)
  const counter = registry.counter('agent_restarts_total').bind({})
  const histogram = registry.histogram('planning_latency_seconds').bind({})
  counter.add(1)
  histogram.record(0.3)
  await read()
  counter.add(2)
  histogram.record(0.3)
  histogram.record(1)
  const metrics = await read()
  const sum = metrics.find(({ descriptor }) => descriptor.name === 'agent_restarts_total')
  assert.equal(sum?.dataPoints, [{ startTime: [1, 0], endTime: [2, 0], attributes: {}, value: 2 }])
  const latency = metrics.find(({ descriptor }) => descriptor.name === 'planning_latency_seconds')
  assert.ok(latency?.dataPointType === DataPointType.HISTOGRAM)
  const [point] = latency.dataPoints
  assert.equal([point?.value.count, point?.value.sum], [2, 1.3])
  assert.equal(
    point?.value.buckets.counts.filter((count) => count > 0),
    [1, 1],
  )
  assert.is(latency.aggregationTemporality, AggregationTemporality.DELTA)
})

test('a gauge is what it is, and nothing when nobody observes it', async () => {
  const { registry, read } = setUp(AggregationTemporality.DELTA)
  const end = registry.observe('map_stale_age_seconds', (tell) => tell(5, { map: 'parts' }))
  await read()
  const [gauge] = await read()
  assert.ok(gauge?.dataPointType === DataPointType.GAUGE && gauge.dataPoints[0]?.value === 5)
  end()
  assert.equal(await read(), [])
})

test.run()
