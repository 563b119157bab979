import { ValueType, type Attributes, type HrTime } from '@opentelemetry/api'
import type { Resource } from '@opentelemetry/resources'
import {
  AggregationTemporality,
  DataPointType,
  InstrumentType,
  type Histogram,
  type MetricData,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics'
import { labelKey } from '../metrics/series.ts'
import type { HistogramPoint, MetricFamily, Registry } from '../metrics/registry.ts'
import type { NumberPoint } from '../metrics/together.ts'

export interface MetricProducerOptions {
  readonly scope: string
  readonly resource: Resource
  readonly now: () => HrTime
  /** What the reader wants counters and histograms to be: sums since the start, or since the last time. */
  readonly temporality: (type: InstrumentType) => AggregationTemporality
}

/** Our registry as a reader of the SDK sees metrics. One for each reader, as a reader of differences has its own last time. */
export function metricProducer(registry: Registry, { scope, resource, now, temporality }: MetricProducerOptions): MetricProducer {
  const startTime = now()
  let lastTime = startTime
  const last = new Map<string, { readonly value: number | Histogram }>()

  const point = <T extends number | Histogram>(
    name: string,
    labels: Attributes,
    value: T,
    delta: boolean,
    minus: (a: T, b: T) => T,
    at: HrTime,
  ) => {
    if (!delta) return { startTime, endTime: at, attributes: labels, value }
    const key = `${name} ${labelKey(labels)}`
    const before = last.get(key)?.value as T | undefined
    last.set(key, { value })
    return { startTime: lastTime, endTime: at, attributes: labels, value: before === undefined ? value : minus(value, before) }
  }

  const metric = (family: MetricFamily, at: HrTime): MetricData => {
    const { name, description, unit, kind } = family
    const descriptor = { name, description, unit, valueType: ValueType.DOUBLE }
    if (kind === 'histogram') {
      const aggregationTemporality = temporality(InstrumentType.HISTOGRAM)
      const delta = aggregationTemporality === AggregationTemporality.DELTA
      const dataPoints = family.points.map((each: HistogramPoint) => point(name, each.labels, histogramOf(each), delta, minusHistogram, at))
      return { descriptor, aggregationTemporality, dataPointType: DataPointType.HISTOGRAM, dataPoints }
    }
    const numbers = family.points as readonly NumberPoint[]
    if (kind === 'gauge') {
      const dataPoints = numbers.map(({ labels, value }) => ({ startTime, endTime: at, attributes: labels, value }))
      return { descriptor, aggregationTemporality: AggregationTemporality.CUMULATIVE, dataPointType: DataPointType.GAUGE, dataPoints }
    }
    const aggregationTemporality = temporality(InstrumentType.COUNTER)
    const delta = aggregationTemporality === AggregationTemporality.DELTA
    const dataPoints = numbers.map(({ labels, value }) => point(name, labels, value, delta, (a, b) => a - b, at))
    return { descriptor, aggregationTemporality, dataPointType: DataPointType.SUM, dataPoints, isMonotonic: true }
  }

  return {
    async collect() {
      const at = now()
      const metrics = registry.collect().map((family) => metric(family, at))
      lastTime = at
      return { resourceMetrics: { resource, scopeMetrics: [{ scope: { name: scope }, metrics }] }, errors: [] }
    },
  }
}

function histogramOf({ bounds, counts, sum }: HistogramPoint): Histogram {
  return { buckets: { boundaries: [...bounds], counts: [...counts] }, sum, count: counts.reduce((all, each) => all + each, 0) }
}

function minusHistogram(now: Histogram, before: Histogram): Histogram {
  return {
    buckets: { boundaries: now.buckets.boundaries, counts: now.buckets.counts.map((count, i) => count - (before.buckets.counts[i] ?? 0)) },
    sum: (now.sum ?? 0) - (before.sum ?? 0),
    count: now.count - before.count,
  }
}
