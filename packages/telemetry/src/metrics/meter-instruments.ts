import type { Attributes, Counter, Histogram, Meter, ObservableCounter, ObservableGauge, ObservableResult } from '@opentelemetry/api'
import type { Instruments } from './instruments.ts'
import { BUCKETS_SECONDS, METRICS, type Metric, type MetricName } from './table.ts'

/** The metrics behind a meter of OpenTelemetry, whoever made it. Each record costs what the meter costs; no exemplars. */
export function meterInstruments(meter: Meter): Instruments {
  const made = new Map<MetricName, Histogram | Counter | ObservableCounter | ObservableGauge>()
  const once = <T extends Histogram | Counter | ObservableCounter | ObservableGauge>(name: MetricName, make: (metric: Metric) => T): T => {
    const known = made.get(name) as T | undefined
    if (known !== undefined) return known
    const instrument = make(METRICS[name])
    made.set(name, instrument)
    return instrument
  }
  return {
    histogram(name) {
      const instrument = once(name, ({ unit, description }) =>
        meter.createHistogram(name, { unit, description, advice: { explicitBucketBoundaries: [...BUCKETS_SECONDS] } }),
      )
      return { bind: (labels: Attributes) => ({ record: (value) => instrument.record(value, labels) }) }
    },
    counter(name) {
      const instrument = once(name, ({ unit, description }) => meter.createCounter(name, { unit, description }))
      return { bind: (labels: Attributes) => ({ add: (n) => instrument.add(n, labels) }) }
    },
    observe(name, read) {
      const { kind }: Metric = METRICS[name]
      const instrument = once(name, ({ unit, description }) =>
        kind === 'gauge'
          ? meter.createObservableGauge(name, { unit, description })
          : meter.createObservableCounter(name, { unit, description }),
      )
      const callback = (result: ObservableResult): void => read((value, labels) => result.observe(value, labels))
      instrument.addCallback(callback)
      return () => instrument.removeCallback(callback)
    },
  }
}
