/** What telemetry lost or failed at. Kept as plain numbers, so that counting can neither fail nor need a working exporter (I7). */
export interface Tally {
  /** Never recorded or handed on: a span when the queue is full, a value that is no number of seconds, a reading that threw or told no age. */
  readonly dropped: { span: number; value: number; reading: number }
  /** Exports that failed, timed out or were given up, by signal. */
  readonly exportFailures: { traces: number; metrics: number }
}

export function createTally(): Tally {
  return { dropped: { span: 0, value: 0, reading: 0 }, exportFailures: { traces: 0, metrics: 0 } }
}
