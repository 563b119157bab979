import { ROOT_CONTEXT, type Attributes, type Tracer } from '@opentelemetry/api'
import type { Clock, TraceContext } from '@stigmergy/grid'
import { planOf } from './plan-id.ts'
import { reasonCode } from './recorder/keep-rules.ts'
import { plainAttributes } from './recorder/plain.ts'
import type { Recorder } from './recorder/recorder.ts'
import { NO_TRACE, traceContextOf } from './span-context.ts'
import type { SpanTime } from './span-time.ts'
import type { Tally } from './tally.ts'
import { describeThrown } from './thrown.ts'

export interface StartTraceOptions {
  /** Monotonic ms of the clock at which the reading began. @default now: the span has no length */
  readonly startedAtMs?: number
  /** Keep this trace whatever happens in it. @default false */
  readonly debug?: boolean
  /** Id of the plan this is work for, as its owners call it; cut after 48 characters. @default none */
  readonly planId?: string
}

export interface StartTraceParts {
  readonly recorder: Recorder | undefined
  readonly tracer: Tracer | undefined
  readonly clock: Clock
  readonly time: SpanTime
  readonly tally: Tally
}

/** Where a reading enters: the root of a pipeline, in the recorder or as a span. */
export function createStartTrace({ recorder, tracer, clock, time, tally }: StartTraceParts) {
  /** Nothing, where reading them throws. */
  const read = (options: StartTraceOptions | undefined): StartTraceOptions => {
    try {
      return { ...options }
    } catch {
      tally.dropped.reading++
      return {}
    }
  }

  return (given: string, attributes?: Attributes, options?: StartTraceOptions): TraceContext => {
    // Called in the users' own code, where nothing of ours throws.
    const name = describeThrown(given)
    const { startedAtMs: began, debug = false, planId } = read(options)
    const startedAtMs = typeof began === 'number' ? began : undefined
    if (recorder !== undefined) {
      const now = clock.now()
      const context = recorder.root(
        name,
        plainAttributes(attributes),
        startedAtMs ?? now,
        now,
        planId === undefined ? undefined : planOf(planId),
      )
      if (debug) recorder.keep(context, reasonCode('debug'))
      return context
    }
    if (tracer === undefined) return NO_TRACE
    const endedAt = time.now()
    const startTime = startedAtMs === undefined ? endedAt : time.toHrTime(startedAtMs)
    const span = tracer.startSpan(
      name,
      { startTime, attributes: { 'agent.stage': 'sensor', ...plainAttributes(attributes) } },
      ROOT_CONTEXT,
    )
    span.end(endedAt)
    return traceContextOf(span)
  }
}
