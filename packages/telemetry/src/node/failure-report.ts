import type { Tally } from '../tally.ts'

export type FailureReport = (signal: 'traces' | 'metrics' | 'logs', error: Error) => void

/** Counts every failed export and says the first one in a line: a wrong endpoint must be seen, but once is enough (I7). `warn` must not throw. */
export function createFailureReport(tally: Tally, warn: (line: string) => void): FailureReport {
  let said = false
  return (signal, error) => {
    tally.exportFailures[signal]++
    if (said) return
    said = true
    warn(`telemetry: an export of ${signal} failed (${reason(error)}). Said once; all are counted in telemetry_export_failures_total.`)
  }
}

/** Node gives a refused connection to a name with two addresses an empty message: then the code tells. */
function reason(error: Error & { readonly code?: unknown }): string {
  const text = error.message || (typeof error.code === 'string' ? error.code : error.name)
  return text.split('\n', 1)[0] ?? text
}
