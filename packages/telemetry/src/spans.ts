import { SpanKind, SpanStatusCode, type Attributes, type HrTime, type Span, type Tracer } from '@opentelemetry/api'
import type { CoreHooks, TransitionEnd, TransitionStart } from '@stigmergy/core'
import type { TraceContext } from '@stigmergy/grid'
import { statePath, transitionName, type AttributeName } from './names.ts'
import { planIn } from './plan-id.ts'
import { toOtelContext, traceContextOf } from './span-context.ts'
import type { SpanTime } from './span-time.ts'
import { stageName } from './stages.ts'

type OurAttributes = { readonly [name in AttributeName]?: string | number }

/**
 * Hooks that make one span of every macrostep, the ignored event included: an event that changed nothing is an answer too, and whether
 * a transition is worth keeping is known only after its context has left with its sends. The parent is the context that came with the
 * event; without one a trace begins here. Writes and sends of the transition carry the context of its span, hence one trace per
 * pipeline (sensor, perception, planning, actuation) across agents and maps.
 * `system`: name of the system whose agents they watch, if that has one.
 */
export function createSpanHooks(tracer: Tracer, time: SpanTime, system?: string): CoreHooks {
  // Keyed by the context we handed out, weakly: a transition that is never told to end leaves nothing behind (I6).
  const open = new WeakMap<TraceContext, Span>()
  /** Trace of the failure an agent is being restarted from. One per such agent; forgotten when it is back or stopped. */
  const failedIn = new Map<string, TraceContext>()

  const lives: OurAttributes = system === undefined ? {} : { 'agent.system': system }
  const point = (name: string, parent: TraceContext | undefined, attributes: OurAttributes, error?: unknown): void => {
    const at = time.now()
    const span = tracer.startSpan(name, { startTime: at, attributes: { ...attributes, ...lives } }, toOtelContext(parent))
    if (error !== undefined) fail(span, error, at)
    span.end(at)
  }

  return {
    onTransitionStart(start) {
      const span = tracer.startSpan(
        start.agent.type,
        {
          kind: start.trace === undefined ? SpanKind.INTERNAL : SpanKind.CONSUMER,
          startTime: time.toHrTime(start.startedAtMs),
          attributes: { ...startAttributes(start), ...lives },
        },
        toOtelContext(start.trace),
      )
      const planId = start.trace && planIn(start.trace)
      const context = planId === undefined ? traceContextOf(span) : { ...traceContextOf(span), planId }
      if (span.isRecording()) open.set(context, span)
      return context
    },

    onTransitionEnd(end) {
      const span = end.context && open.get(end.context)
      if (span === undefined || end.context === undefined) return
      open.delete(end.context)
      const endedAt = time.toHrTime(end.endedAtMs)
      try {
        describe(span, end)
        if (end.error !== undefined) fail(span, end.error, endedAt)
      } finally {
        span.end(endedAt)
      }
    },

    onViolation({ id, type }, { state, trace }) {
      point(`${type} violation`, trace, { 'agent.id': id, 'agent.type': type, 'agent.violation': state })
    },

    onFailure({ agent, event, error, trace, decision }) {
      if (trace !== undefined && decision.type === 'restart') failedIn.set(agent.id, trace)
      point(
        `${agent.type} failed`,
        trace,
        {
          'agent.id': agent.id,
          'agent.type': agent.type,
          'agent.event': event,
          'agent.failure.decision': decision.type,
          ...(decision.type === 'restart' ? { 'agent.failure.delay_ms': decision.delayMs, 'agent.restarts': decision.restarts } : {}),
        },
        error,
      )
    },

    onRestart(agent, restarts, from) {
      const trace = failedIn.get(agent.id)
      failedIn.delete(agent.id)
      point(`${agent.type} restarted`, trace, {
        'agent.id': agent.id,
        'agent.type': agent.type,
        'agent.restarts': restarts,
        'agent.restored.from': from,
      })
    },

    onStop(agent) {
      failedIn.delete(agent.id)
    },
  }
}

function startAttributes({ agent, event, trace, restarts, enqueuedAtMs, startedAtMs }: TransitionStart): Attributes {
  const planId = trace && planIn(trace)
  const attributes: OurAttributes = {
    'agent.id': agent.id,
    'agent.type': agent.type,
    'agent.event': event,
    'agent.restarts': restarts,
    'agent.mailbox.wait_ms': Math.max(0, startedAtMs - enqueuedAtMs),
    ...(trace === undefined
      ? {}
      : { 'messaging.system': 'stigmergy', 'messaging.operation.type': 'process', 'messaging.destination.template': agent.type }),
    ...(planId === undefined ? {} : { 'agent.plan.id': planId, 'messaging.message.conversation_id': planId }),
  }
  return attributes
}

function describe(span: Span, end: TransitionEnd): void {
  const from = statePath(end.from)
  const to = statePath(end.to)
  const stage = stageName(end)
  const attributes: OurAttributes = {
    'agent.state.from': from,
    'agent.state.to': to,
    ...(stage === undefined ? {} : { 'agent.stage': stage }),
  }
  span.updateName(transitionName(end.agent.type, from, to))
  span.setAttributes(attributes)
}

function fail(span: Span, error: unknown, at: HrTime): void {
  const exception = error instanceof Error ? error : String(error)
  span.setStatus({ code: SpanStatusCode.ERROR, message: exception instanceof Error ? exception.message : exception })
  span.recordException(exception, at)
}
