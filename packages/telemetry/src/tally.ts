/** What telemetry lost or failed at. Kept as plain numbers, so that counting can neither fail nor need a working exporter (I7). */
export interface Tally {
  /**
   * Never recorded or handed on: a span when the queue is full, a value that is no number from 0, a reading that threw or told no number,
   * a decision or receipt that did not reach other processes, a log line when the queue is full or its destination takes none, a detail
   * (attributes, an error or a link) of a span of a kept trace.
   */
  readonly dropped: { span: number; value: number; reading: number; decision: number; log: number; detail: number }
  /** Exports that failed, timed out or were given up, by signal. */
  readonly exportFailures: { traces: number; metrics: number; logs: number }
}

export function createTally(): Tally {
  return { dropped: { span: 0, value: 0, reading: 0, decision: 0, log: 0, detail: 0 }, exportFailures: { traces: 0, metrics: 0, logs: 0 } }
}
