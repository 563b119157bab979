import { INVALID_SPANID, INVALID_TRACEID } from '@opentelemetry/api'
import { createTally } from '../tally.ts'
import type { Telemetry } from './start-telemetry.ts'

/** What `OTEL_SDK_DISABLED=true` gives: the same interface, and nothing is seen, opened or sent. */
export function disabledTelemetry(): Telemetry {
  const done = async (): Promise<void> => {}
  return {
    core: {},
    grid: {},
    // The ids that W3C Trace Context calls invalid: whoever reads them begins a trace of its own.
    startTrace: () => ({ traceId: INVALID_TRACEID, spanId: INVALID_SPANID, traceFlags: 0 }),
    recordTaskAssignment: () => {},
    observeAge: () => () => {},
    watchGrid: () => () => {},
    prometheus: undefined,
    tally: createTally(),
    flush: done,
    close: done,
    [Symbol.asyncDispose]: done,
  }
}
