import type { Attributes } from '@opentelemetry/api'
import type { Instrument } from './instruments.ts'

/** What is over the bound of a metric meets in one series, named as OpenTelemetry names it. */
const OVERFLOW: Attributes = Object.freeze({ otel_metric_overflow: true })

/** Identity of a set of labels, whatever their order. Throws `TypeError` for a value that cannot be a label. */
export function labelKey(labels: Attributes): string {
  const pairs: [string, string][] = []
  for (const [name, value] of Object.entries(labels)) {
    if (value === undefined) continue
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
      throw new TypeError(`label ${name} is of type ${typeof value}: give a string, number or boolean`)
    }
    pairs.push([name, String(value)])
  }
  return JSON.stringify(pairs.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** The series of one metric, by their labels. Bounded (I6): later ones share one series. */
export class SeriesSet<T> implements Instrument<T> {
  readonly #make: (labels: Attributes) => T
  readonly #max: number
  readonly #byObject = new WeakMap<Attributes, T>()
  readonly #byKey = new Map<string, T>()
  #overflow: T | undefined

  constructor(make: (labels: Attributes) => T, max: number) {
    this.#make = make
    this.#max = max
  }

  bind(labels: Attributes): T {
    const known = this.#byObject.get(labels)
    if (known !== undefined) return known
    const key = labelKey(labels)
    let series = this.#byKey.get(key)
    if (series === undefined) {
      if (this.#byKey.size >= this.#max) return (this.#overflow ??= this.#make(OVERFLOW))
      this.#byKey.set(key, (series = this.#make(Object.freeze({ ...labels }))))
    }
    // Only what cannot change any more is known by itself.
    if (Object.isFrozen(labels)) this.#byObject.set(labels, series)
    return series
  }

  all(): readonly T[] {
    return this.#overflow === undefined ? [...this.#byKey.values()] : [...this.#byKey.values(), this.#overflow]
  }
}
