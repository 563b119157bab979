import type { Attributes, Link } from '@opentelemetry/api'
import { statePath, transitionName, type AttributeName } from '../names.ts'
import type { HandedRecord } from './handed.ts'
import type { FlightRecord } from './read.ts'
import type { Extra } from './parts.ts'

/** A span as it will be exported. Times are monotonic ms of the recorder's clock. */
export interface RecordedSpan {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentId: string | undefined
  /** True for what an event from a mailbox caused. */
  readonly consumer: boolean
  readonly startedAtMs: number
  readonly endedAtMs: number
  readonly attributes: Attributes
  readonly links: readonly Link[]
  /** What was thrown; `undefined`: nothing. */
  readonly error: unknown
}

type OurAttributes = { [name in AttributeName]?: string | number }

/** In the place of an error that was let go before its record. */
const GONE = 'an error that is no longer known'
const NO_PARENT = '0'.repeat(16)

/** The span of a record. `links`: further causes, told apart from the record. */
export function spanOf(record: FlightRecord, extra: Extra | undefined, causes: readonly Link[]): RecordedSpan {
  const { traceId, spanId, startedAtMs, endedAtMs, plan } = record
  const parentId = record.parentId === NO_PARENT ? undefined : record.parentId
  const consumer = record.kind === 'transition' && parentId !== undefined
  // One message: its span is the parent and also a link, as the conventions of messaging ask for.
  const own: readonly Link[] = consumer ? [{ context: { traceId, spanId: parentId, traceFlags: 1, isRemote: true } }] : []
  const { name, attributes } = describe(record, extra, consumer)
  if (plan !== '') {
    attributes['agent.plan.id'] = plan
    if (consumer) attributes['messaging.message.conversation_id'] = plan
  }
  // The parent may have been told as a cause too.
  const links = causes.length === 0 ? own : [...own, ...causes.filter(({ context }) => !consumer || context.spanId !== parentId)]
  const error = extra?.error ?? (record.failed ? GONE : undefined)
  return { name, traceId, spanId, parentId, consumer, startedAtMs, endedAtMs, attributes, links, error }
}

/** The same of a kept trace: its first span says why, and the one over the bound says that. */
export function keptSpan(
  record: FlightRecord,
  extra: Extra | undefined,
  { links, reason, maxSpans }: Pick<HandedRecord, 'links' | 'reason' | 'maxSpans'>,
): RecordedSpan {
  const over = maxSpans !== undefined
  const span = spanOf(record, over ? undefined : extra, over ? [] : links)
  const told = over ? { 'agent.trace.max_spans': maxSpans } : span.attributes
  const attributes = reason === undefined ? told : { ...told, 'agent.keep.reason': reason }
  return over ? { ...span, name: 'trace truncated', attributes, error: undefined } : { ...span, attributes }
}

function describe(
  record: FlightRecord,
  extra: Extra | undefined,
  consumer: boolean,
): { readonly name: string; readonly attributes: Attributes } {
  const { kind, agentId, agentType, system, event, restarts } = record
  if (kind === 'root') return { name: event, attributes: { 'agent.stage': 'sensor', ...extra?.attributes } }
  if (kind === 'transition') return describeTransition(record, consumer)
  const agent: OurAttributes = { 'agent.id': agentId, 'agent.type': agentType, ...(system === '' ? {} : { 'agent.system': system }) }
  if (kind === 'restart') {
    const attributes: OurAttributes = { ...agent, 'agent.restarts': restarts, 'agent.restored.from': event }
    return { name: `${agentType} restarted`, attributes }
  }
  if (kind === 'violation') return { name: `${agentType} violation`, attributes: { ...agent, 'agent.violation': event } }
  const decision = extra?.decision
  const attributes: OurAttributes = {
    ...agent,
    'agent.event': event,
    ...(decision === undefined ? {} : { 'agent.failure.decision': decision.type }),
    ...(decision?.type === 'restart' ? { 'agent.failure.delay_ms': decision.delayMs, 'agent.restarts': decision.restarts } : {}),
  }
  return { name: `${agentType} failed`, attributes }
}

function describeTransition(record: FlightRecord, consumer: boolean): { readonly name: string; readonly attributes: Attributes } {
  const { agentId, agentType, event, stage, restarts } = record
  const from = statePath(record.from)
  const to = statePath(record.to)
  // No spreads on this path: they cost more than the rest of the span.
  const attributes: OurAttributes = {
    'agent.id': agentId,
    'agent.type': agentType,
    'agent.event': event,
    'agent.restarts': restarts,
    'agent.mailbox.wait_ms': Math.max(0, record.startedAtMs - record.enqueuedAtMs),
    'agent.state.from': from,
    'agent.state.to': to,
  }
  if (stage !== '') attributes['agent.stage'] = stage
  if (record.system !== '') attributes['agent.system'] = record.system
  if (consumer) {
    attributes['messaging.system'] = 'stigmergy'
    attributes['messaging.operation.type'] = 'process'
    attributes['messaging.destination.template'] = agentType
  }
  return { name: transitionName(agentType, from, to), attributes }
}
