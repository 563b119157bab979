import { createNoopMeter } from '@opentelemetry/api'
import type { Attributes, Counter, Histogram, Meter, ObservableCallback, ObservableCounter, ObservableGauge } from '@opentelemetry/api'
import type { Instruments, Tell } from './instruments.ts'
import { BUCKETS_SECONDS, METRICS, type Metric, type MetricName } from './table.ts'
import { readTogether, type NumberPoint } from './together.ts'

/** Where a meter keeps its instruments: who shares the meter shares them. */
const INSTRUMENTS = Symbol('stigmergy.instruments')

/**
 * The same instruments for the same meter, since an SDK takes the last of several callbacks that tell the same labels: what one alarm or
 * system tells would hide what another does. Undefined: the metrics go nowhere.
 */
export function instrumentsOf(meter: Meter | undefined): Instruments {
  // There is one meter that does nothing, for all: it must hold nobody.
  if (meter === undefined || meter === createNoopMeter()) return meterInstruments(createNoopMeter())
  const known = (meter as { readonly [INSTRUMENTS]?: Instruments })[INSTRUMENTS]
  if (known !== undefined) return known
  const made = meterInstruments(meter)
  // One that takes no property has instruments of each.
  Reflect.defineProperty(meter, INSTRUMENTS, { value: made })
  return made
}

/** The metrics behind a meter of OpenTelemetry, whoever made it. Each record costs what the meter costs; no exemplars. */
export function meterInstruments(meter: Meter): Instruments {
  const made = new Map<MetricName, Histogram | Counter | ObservableCounter | ObservableGauge>()
  const readers = new Map<MetricName, Set<(tell: Tell) => void>>()
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
      const known = readers.get(name)
      const own = known ?? new Set<(tell: Tell) => void>()
      own.add(read)
      if (known === undefined) {
        readers.set(name, own)
        instrument.addCallback(observeAll(name, own))
      }
      return () => void own.delete(read)
    },
  }
}

/** One call for all readers of a metric, since an SDK takes the last of those that tell the same labels. */
function observeAll(name: MetricName, readers: Iterable<(tell: Tell) => void>): ObservableCallback {
  return (result) => {
    const points = new Map<string, NumberPoint>()
    const errors: unknown[] = []
    readTogether(name, points, readers, Infinity, (error) => errors.push(error))
    for (const { labels, value } of points.values()) result.observe(value, labels)
    // The SDK reports it; all that the others told is in by now.
    if (errors.length > 0) throw new AggregateError(errors, 'readers of a metric threw')
  }
}
