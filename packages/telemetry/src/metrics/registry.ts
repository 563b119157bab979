import type { Attributes } from '@opentelemetry/api'
import { CounterSeries, HistogramSeries, type Exemplar, type SeriesHost } from './bound.ts'
import type { Instruments, Tell } from './instruments.ts'
import { labelKey, SeriesSet } from './series.ts'
import { BUCKETS_SECONDS, METRICS, type Metric, type MetricName } from './table.ts'
import { readTogether, type NumberPoint } from './together.ts'

/** A histogram: `counts` of each bucket alone, one more than `bounds`. */
export interface HistogramPoint {
  readonly labels: Attributes
  readonly bounds: Float64Array
  readonly counts: Float64Array
  readonly sum: number
  readonly exemplars: readonly (Exemplar | undefined)[]
}

/** A metric at one moment. */
export type MetricFamily = {
  readonly name: string
  readonly unit: string
  readonly description: string
} & (
  | { readonly kind: 'histogram'; readonly points: readonly HistogramPoint[] }
  | { readonly kind: 'counter' | 'gauge'; readonly points: readonly NumberPoint[] }
)

/** The metrics of a process in plain numbers: no SDK, and nothing that can fail while an agent records (I7). */
export interface Registry extends Instruments {
  /** Every metric that has a value, as it is now. A reader that throws is counted; the others are told. */
  collect(): readonly MetricFamily[]
}

export interface RegistryOptions extends SeriesHost {
  /** Series of one metric at most. */
  readonly maxSeries: number
  /** A reader of an observed metric threw. */
  readonly readerFailed: () => void
  /** Is called before metrics are collected: what waits to be recorded is recorded then. @default nothing waits */
  readonly settle?: () => void
}

export function createRegistry(options: RegistryOptions): Registry {
  const bounds = Float64Array.from(BUCKETS_SECONDS)
  const histograms = new Map<MetricName, SeriesSet<HistogramSeries>>()
  const counters = new Map<MetricName, SeriesSet<CounterSeries>>()
  const observed = new Map<MetricName, Set<(tell: Tell) => void>>()

  const numbers = (name: MetricName): readonly NumberPoint[] => {
    const counted = counters.get(name)?.all() ?? []
    const points = new Map<string, NumberPoint>()
    for (const { labels, value } of counted) points.set(labelKey(labels), { labels, value })
    readTogether(name, points, observed.get(name) ?? [], options.maxSeries, options.readerFailed)
    return [...points.values()]
  }

  return {
    histogram: (name) =>
      found(histograms, name, () => new SeriesSet((labels) => new HistogramSeries(labels, bounds, options), options.maxSeries)),
    counter: (name) => found(counters, name, () => new SeriesSet((labels) => new CounterSeries(labels, options), options.maxSeries)),
    observe(name, read) {
      const readers = found(observed, name, () => new Set<(tell: Tell) => void>())
      readers.add(read)
      return () => void readers.delete(read)
    },
    collect() {
      options.settle?.()
      const families: MetricFamily[] = []
      for (const [name, metric] of Object.entries(METRICS) as [MetricName, Metric][]) {
        const { kind, unit, description } = metric
        if (kind === 'histogram') {
          const points = histograms.get(name)?.all() ?? []
          if (points.length > 0) families.push({ name, unit, description, kind, points: points.map(copied) })
        } else {
          const points = numbers(name)
          if (points.length > 0) families.push({ name, unit, description, kind, points })
        }
      }
      return families
    },
  }
}

function copied(series: HistogramSeries): HistogramPoint {
  const { labels, bounds, counts, sum } = series
  return { labels, bounds, counts: counts.slice(), sum, exemplars: series.exemplars() }
}

function found<V>(map: Map<MetricName, V>, name: MetricName, make: () => V): V {
  let value = map.get(name)
  if (value === undefined) map.set(name, (value = make()))
  return value
}
