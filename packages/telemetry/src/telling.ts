import type { Attributes } from '@opentelemetry/api'
import type { Instruments } from './metrics/instruments.ts'
import type { CountedName, ObservedName } from './metrics/told.ts'
import { onRejected } from './promised.ts'
import type { Tally } from './tally.ts'

/** A value of a gauge, now. */
export interface Reading {
  readonly value: number
  /** @default none but those of every metric */
  readonly labels?: Attributes
}

/** What others know and telemetry shows: breakers, lags, failed inferences, assigned tasks. Never throws (I7). */
export interface Telling {
  observe(name: ObservedName, readings: () => Iterable<Reading>): () => void
  count(name: CountedName, n?: number, labels?: Attributes): void
  taskAssignment(seconds: number, labels?: Attributes): void
}

export function createTelling(instruments: Instruments, base: Attributes, tally: Tally): Telling {
  const assignment = instruments.histogram('task_assignment_latency_seconds')
  const isAmount = (value: number): boolean => Number.isFinite(value) && value >= 0
  return {
    observe: (name, readings) =>
      instruments.observe(name, (tell) => {
        try {
          const read = readings()
          if (onRejected(read, () => {})) throw new TypeError('readings are told at once, not by a promise')
          for (const { value, labels } of read) {
            if (typeof value === 'number' && !Number.isNaN(value)) tell(value, { ...base, ...labels })
            else tally.dropped.reading++
          }
        } catch {
          tally.dropped.reading++
        }
      }),
    count(name, n = 1, labels = {}) {
      try {
        if (isAmount(n))
          instruments
            .counter(name)
            .bind({ ...base, ...labels })
            .add(n)
        else tally.dropped.value++
      } catch {
        tally.dropped.value++
      }
    },
    taskAssignment(seconds, labels = {}) {
      try {
        if (isAmount(seconds)) assignment.bind({ ...base, ...labels }).record(seconds)
        else tally.dropped.value++
      } catch {
        // A label that cannot be written, a BigInt for one.
        tally.dropped.value++
      }
    },
  }
}
