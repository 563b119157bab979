import type { TraceContext } from '@stigmergy/grid'
import type { Running } from '../current.ts'
import { planIn } from '../plan-id.ts'
import { NO_TRACE } from '../span-context.ts'

/** What joins a log line with traces, plans and agents. */
export interface LogFields {
  readonly trace_id?: string
  readonly span_id?: string
  readonly plan_id?: string
  readonly agent_id?: string
  readonly agent_type?: string
}

/** The fields of what runs, none if nothing does. */
export function logFields(running: Running | undefined): LogFields {
  if (running === undefined) return {}
  const { agent, trace } = running
  return { ...traceFields(trace), agent_id: agent.id, agent_type: agent.type }
}

/** The fields of a trace, for a line that is written after an `await`. None of a trace whose ids are all zeros, which is none. */
export function traceFields(trace: TraceContext): LogFields {
  const { traceId, spanId } = trace
  if (traceId === NO_TRACE.traceId) return {}
  const planId = planIn(trace)
  return { trace_id: traceId, span_id: spanId, ...(planId === undefined ? {} : { plan_id: planId }) }
}
