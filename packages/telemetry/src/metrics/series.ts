import type { Attributes } from '@opentelemetry/api'
import type { Instrument } from './instruments.ts'

/** What is over the bound of a metric meets in series named as OpenTelemetry names them. */
const OVERFLOW: Attributes = Object.freeze({ otel_metric_overflow: true })
/** What alerts ask by, which has few values, is kept there. */
const KEPT = ['region', 'policy_version', 'agent_type'] as const

/** Labels of the series in which what has those labels meets what else is over the bound. `whole`: there is no room for one of each type. */
export function overflowOf(labels: Attributes, whole: boolean): Attributes {
  if (whole) return OVERFLOW
  const kept = Object.fromEntries(KEPT.flatMap((name) => (labels[name] === undefined ? [] : [[name, labels[name]]])))
  return Object.freeze({ ...kept, ...OVERFLOW })
}

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

/** The series of one metric, by their labels. Bounded (I6): later ones share one for each type of agent, and so many of those at most. */
export class SeriesSet<T> implements Instrument<T> {
  readonly #make: (labels: Attributes) => T
  readonly #max: number
  readonly #byObject = new WeakMap<Attributes, T>()
  readonly #byKey = new Map<string, T>()
  readonly #overflow = new Map<string, T>()

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
      if (this.#byKey.size >= this.#max) return this.#over(labels)
      this.#byKey.set(key, (series = this.#make(Object.freeze({ ...labels }))))
    }
    // Only what cannot change any more is known by itself.
    if (Object.isFrozen(labels)) this.#byObject.set(labels, series)
    return series
  }

  all(): readonly T[] {
    return [...this.#byKey.values(), ...this.#overflow.values()]
  }

  #over(labels: Attributes): T {
    const own = overflowOf(labels, this.#overflow.size >= this.#max)
    const key = labelKey(own)
    let series = this.#overflow.get(key)
    if (series === undefined) this.#overflow.set(key, (series = this.#make(own)))
    return series
  }
}
