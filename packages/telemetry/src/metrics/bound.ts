import type { Attributes } from '@opentelemetry/api'
import type { TraceContext } from '@stigmergy/grid'
import type { BoundCounter, BoundHistogram } from './instruments.ts'

/** A value and the trace it was measured on. */
export interface Exemplar {
  readonly value: number
  readonly trace: TraceContext
}

/** What the series of a registry ask while they record. */
export interface SeriesHost {
  /** True if that trace is kept, so that who follows the exemplar finds it. */
  readonly kept: (trace: TraceContext) => boolean
  /** A value that was no number from 0. */
  readonly refused: () => void
}

/** One series of a histogram: counts of buckets in a typed array. */
export class HistogramSeries implements BoundHistogram {
  readonly labels: Attributes
  readonly bounds: Float64Array
  /** Of each bucket alone, not of those below it; the last one is what is over all bounds. */
  readonly counts: Float64Array
  /** The newest exemplar of each bucket. */
  readonly exemplars: (Exemplar | undefined)[]
  sum = 0
  readonly #host: SeriesHost

  constructor(labels: Attributes, bounds: Float64Array, host: SeriesHost) {
    this.labels = labels
    this.bounds = bounds
    this.counts = new Float64Array(bounds.length + 1)
    this.exemplars = Array.from<Exemplar | undefined>({ length: bounds.length + 1 }).fill(undefined)
    this.#host = host
  }

  record(value: number, trace?: TraceContext): void {
    if (!(value >= 0 && value < Infinity)) return this.#host.refused()
    const { bounds } = this
    let bucket = 0
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket += 1
    this.counts[bucket] = (this.counts[bucket] as number) + 1
    this.sum += value
    if (trace !== undefined && this.#host.kept(trace)) this.exemplars[bucket] = { value, trace }
  }
}

/** One series of a counter. */
export class CounterSeries implements BoundCounter {
  readonly labels: Attributes
  value = 0
  readonly #host: SeriesHost

  constructor(labels: Attributes, host: SeriesHost) {
    this.labels = labels
    this.#host = host
  }

  add(n: number): void {
    if (!(n >= 0 && n < Infinity)) return this.#host.refused()
    this.value += n
  }
}
