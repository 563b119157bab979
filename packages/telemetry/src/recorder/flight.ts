import { createDrain, type DrainCounts } from './drain.ts'
import type { KeepDecision } from './keeper.ts'
import type { ResolvedRecorderOptions } from './options.ts'
import type { RecorderParts } from './parts.ts'
import { Recorder } from './recorder.ts'
import type { RecordedSpan } from './recorded-span.ts'

/** Where spans of kept traces go, and when. */
export interface FlightPorts extends Pick<RecorderParts, 'clock' | 'random'> {
  /** Takes a span. Must not throw. */
  readonly emit: (span: RecordedSpan) => void
  /** Asks for a call of `run` soon. */
  readonly wake: () => void
  /** Takes decisions for other processes. */
  readonly tell: (decisions: readonly KeepDecision[]) => void
}

/** The recorder with its way out. */
export interface Flight {
  readonly recorder: Recorder
  readonly counts: DrainCounts
  /** Tells decisions, and makes spans of kept traces, of whole slices until at least `limit` spans. False when nothing is left. */
  run(limit: number): boolean
}

export function createFlight(options: ResolvedRecorderOptions, { clock, random, emit, wake, tell }: FlightPorts): Flight {
  const run = (limit: number): boolean => {
    const decisions = recorder.keeper.takeDecisions()
    if (decisions.length > 0) tell(decisions)
    return drain.run(limit)
  }
  const recorder = new Recorder(options, { clock, random, wake, pressure: () => void run(Infinity) })
  const drain = createDrain(recorder, options.maxSpansPerTrace, emit)
  return { recorder, counts: drain.counts, run }
}
