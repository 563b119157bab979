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
import { guardStream } from './guarded-stream.ts'
import { logsOf, type StartTelemetryOptions } from './options.ts'
import type { Telemetry } from './start-telemetry.ts'

/** What `OTEL_SDK_DISABLED=true` gives: the same interface, and nothing is seen, opened or sent. What cannot be among the options is no error. */
export function disabledTelemetry({ profiling, logs }: Pick<StartTelemetryOptions, 'profiling' | 'logs'>): Telemetry {
  // What asks a cell for a profile, or a file for lines that cannot be opened, ends no process: nor this one.
  const asked = valid(() => profilingOf(profiling))
  if (asked !== undefined) survive(asked.signal)
  const wanted = valid(() => logsOf(logs))
  const lines = wanted && guardStream(wanted.destination, () => {})
  const done = async (): Promise<void> => {}
  const close = async (): Promise<void> => lines?.release()
  return {
    core: {},
    instruments: meterInstruments(createNoopMeter()),
    base: {},
    warn: () => {},
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
    close,
    [Symbol.asyncDispose]: close,
  }
}

function valid<T>(resolve: () => T): T | undefined {
  try {
    return resolve()
  } catch {
    return undefined
  }
}
