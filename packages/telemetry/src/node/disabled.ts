import { createNoopMeter } from '@opentelemetry/api'
import { meterInstruments } from '../metrics/meter-instruments.ts'
import { silentLogger } from '../logs/logger.ts'
import { systemClock } from '@stigmergy/grid'
import { NO_TRACE } from '../span-context.ts'
import { createTally } from '../tally.ts'
import { createCpuProfiler } from './profiling/cpu-profile.ts'
import { writeHeapSnapshot } from './profiling/heap-snapshot.ts'
import { survive } from './profiling/profile-signal.ts'
import { profilingOf } from './profiling/profiling-options.ts'
import type { StartTelemetryOptions } from './options.ts'
import type { Telemetry } from './start-telemetry.ts'

/** What `OTEL_SDK_DISABLED=true` gives: the same interface, and nothing is seen, opened or sent. */
export function disabledTelemetry(options: Pick<StartTelemetryOptions, 'profiling'>): Telemetry {
  survivesSignal(options)
  const done = async (): Promise<void> => {}
  return {
    core: {},
    instruments: meterInstruments(createNoopMeter()),
    base: {},
    grid: {},
    forSystem: () => ({}),
    startTrace: () => NO_TRACE,
    keep: () => {},
    link: () => {},
    plan: () => {},
    recordTaskAssignment: () => {},
    observeAge: () => () => {},
    observe: () => () => {},
    count: () => {},
    watchSystem: () => () => {},
    watchJournal: () => () => {},
    watchGrid: () => () => {},
    memory: undefined,
    prometheus: undefined,
    logger: silentLogger(),
    activeTrace: () => undefined,
    profile: createCpuProfiler({ clock: systemClock(), recorder: undefined, closed: new AbortController().signal }),
    heapSnapshot: (path) => writeHeapSnapshot(path, () => ({})),
    tally: createTally(),
    flush: done,
    close: done,
    [Symbol.asyncDispose]: done,
  }
}

/** What asks a cell for a profile must not end the one whose telemetry is switched off. */
function survivesSignal({ profiling }: Pick<StartTelemetryOptions, 'profiling'>): void {
  try {
    const wanted = profilingOf(profiling)
    if (wanted !== undefined) survive(wanted.signal)
  } catch {
    // Nor does a wrong option.
  }
}
