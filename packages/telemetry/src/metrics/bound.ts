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
  sum = 0
  readonly #host: SeriesHost
  /**
   * The newest value of each bucket that has a trace. Most traces are kept when their pipeline ends, which is later: so a value is asked
   * for when the next one takes its place, or when the metrics are read.
   */
  readonly #newestTrace: (TraceContext | undefined)[]
  readonly #newestValue: Float64Array
  /** The newest of those before it whose trace was kept. */
  readonly #exemplars: (Exemplar | undefined)[]

  constructor(labels: Attributes, bounds: Float64Array, host: SeriesHost) {
    this.labels = labels
    this.bounds = bounds
    this.counts = new Float64Array(bounds.length + 1)
    this.#newestTrace = Array.from<TraceContext | undefined>({ length: bounds.length + 1 }).fill(undefined)
    this.#newestValue = new Float64Array(bounds.length + 1)
    this.#exemplars = Array.from<Exemplar | undefined>({ length: bounds.length + 1 }).fill(undefined)
    this.#host = host
  }

  record(value: number, trace?: TraceContext): void {
    if (!(value >= 0 && value < Infinity)) return this.#host.refused()
    const { bounds } = this
    let bucket = 0
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket += 1
    this.counts[bucket] = (this.counts[bucket] as number) + 1
    this.sum += value
    if (trace === undefined) return
    this.#look(bucket)
    this.#newestTrace[bucket] = trace
    this.#newestValue[bucket] = value
  }

  /** The newest exemplar of each bucket, as far as traces are kept by now. */
  exemplars(): readonly (Exemplar | undefined)[] {
    for (const bucket of this.#newestTrace.keys()) this.#look(bucket)
    return [...this.#exemplars]
  }

  #look(bucket: number): void {
    const trace = this.#newestTrace[bucket]
    if (trace === undefined || !this.#host.kept(trace)) return
    this.#exemplars[bucket] = { value: this.#newestValue[bucket] as number, trace }
    this.#newestTrace[bucket] = undefined
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
