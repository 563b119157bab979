import type { Attributes } from '@opentelemetry/api'
import type { TraceContext } from '@stigmergy/grid'
import type { MetricName } from './table.ts'

/** A histogram with its labels already found: to record costs some tens of nanoseconds. */
export interface BoundHistogram {
  /** Adds a value in the unit of the metric. `trace`: the work it was measured on; an exemplar where that trace is kept. */
  record(value: number, trace?: TraceContext): void
}

/** A counter with its labels already found. */
export interface BoundCounter {
  /** Adds `n` from 0. */
  add(n: number): void
}

/** A metric of {@link METRICS} that is bound to labels before it is used. */
export interface Instrument<T> {
  /**
   * The series of those labels; keep it. The same object of labels is found again fastest.
   * Throws `TypeError` for a label whose value is no string, number or boolean.
   */
  bind(labels: Attributes): T
}

/** Tells a value of an observed metric. */
export type Tell = (value: number, labels: Attributes) => void

/** Where the metrics of {@link METRICS} are kept: in a registry of our own, or behind a meter of OpenTelemetry. */
export interface Instruments {
  histogram(name: MetricName): Instrument<BoundHistogram>
  counter(name: MetricName): Instrument<BoundCounter>
  /** A gauge, or a counter whose sum is known, read whenever metrics are collected. Many readers may tell of one metric. */
  observe(name: MetricName, read: (tell: Tell) => void): () => void
}
