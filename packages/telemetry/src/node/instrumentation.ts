import {
  context,
  isSpanContextValid,
  propagation,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type ContextManager,
  type TracerProvider,
} from '@opentelemetry/api'
import { hrTimeToMilliseconds } from '@opentelemetry/core'
import type { Resource } from '@opentelemetry/resources'
import { SamplingDecision, type ReadableSpan, type Sampler, type SpanProcessor } from '@opentelemetry/sdk-trace-base'
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import type { TraceContext } from '@stigmergy/grid'
import type { Current } from '../current.ts'
import { TelemetryError } from '../errors.ts'
import { describeThrown } from '../thrown.ts'
import type { Recorder } from '../recorder/recorder.ts'
import { agentContextManager, asyncAgentContextManager } from './agent-context.ts'
import { propagatorOf } from './propagator.ts'

/** An instrumentation of OpenTelemetry, such as `new UndiciInstrumentation()`. */
export interface Instrumentation {
  setTracerProvider(provider: TracerProvider): void
  enable(): void
  disable(): void
}

export interface InstrumentationsParts {
  readonly instrumentations: readonly Instrumentation[]
  readonly asyncContext: boolean
  readonly recorder: Recorder
  /** What began elsewhere follows what was decided there. Undefined: unless a rule keeps it. */
  readonly parentBased: boolean | undefined
  /** Names of what goes along with requests. @default those of OpenTelemetry */
  readonly propagators: readonly string[] | undefined
  readonly current: Current
  readonly resource: Resource
}

export interface Instrumentations {
  close(): void
}

/**
 * Lets instrumentations see what agents call. Their spans are children of the transition that runs and wait in the recorder with it.
 * Instrumentations find their parent in the global context, so a context manager and a propagator are registered while they run.
 * Throws `TelemetryError` BAD_OPTION where somebody else has registered one, a propagator has a name that is none, or an instrumentation throws.
 */
export function startInstrumentations(parts: InstrumentationsParts): Instrumentations {
  const { instrumentations, asyncContext, recorder, parentBased, current, resource } = parts
  const propagator = propagatorOf(parts.propagators)
  const manager: ContextManager = asyncContext ? asyncAgentContextManager(current) : agentContextManager(current)
  if (!context.setGlobalContextManager(manager.enable())) {
    manager.disable()
    throw new TelemetryError(
      'BAD_OPTION',
      'instrumentations need the global context, and another OpenTelemetry set-up of this process has it',
    )
  }
  const propagates = propagator !== undefined && propagation.setGlobalPropagator(propagator)
  const provider = new NodeTracerProvider({
    resource,
    sampler: calledByAgents(recorder, parentBased),
    spanProcessors: [intoRecorder(recorder)],
    idGenerator: {
      // A trace that begins outside of every agent is chosen like any other.
      generateTraceId: () => recorder.start(undefined).traceId,
      generateSpanId: () => recorder.ids.spanText(recorder.ids.nextSpan()),
    },
  })
  const close = (): void => {
    context.disable()
    if (propagates) propagation.disable()
    for (const instrumentation of instrumentations) {
      try {
        instrumentation.disable()
      } catch {
        // A guest (I7): the others are disabled all the same.
      }
    }
  }
  try {
    for (const instrumentation of instrumentations) {
      instrumentation.setTracerProvider(provider)
      instrumentation.enable()
    }
  } catch (error) {
    close()
    throw new TelemetryError('BAD_OPTION', `instrumentations holds one that cannot be enabled: ${describeThrown(error)}`, { cause: error })
  }
  return { close }
}

/** The trace of the span that is active now: of a request that is being served, for one. */
export function activeTrace(): TraceContext | undefined {
  const active = trace.getSpanContext(context.active())
  return active && { traceId: active.traceId, spanId: active.spanId, traceFlags: active.traceFlags }
}

/**
 * Follows the parent, and what the recorder has decided of the trace. A call to somewhere else that no agent made has nothing to join: the
 * exporters' own requests are such calls, and would make spans about the export of spans.
 */
function calledByAgents(recorder: Recorder, parentBased: boolean | undefined): Sampler {
  return {
    shouldSample(given, traceId, _name, kind) {
      const found = trace.getSpanContext(given)
      const parent = found !== undefined && isSpanContextValid(found) ? found : undefined
      const comesIn = kind === SpanKind.SERVER || kind === SpanKind.CONSUMER
      const flags = parent?.traceFlags ?? TraceFlags.SAMPLED
      const sampled = (flags & TraceFlags.SAMPLED) !== 0
      const wanted = parent === undefined ? comesIn : sampled || parentBased !== true
      if (!wanted || !recorder.samples(traceId, flags)) return { decision: SamplingDecision.NOT_RECORD }
      // A rule may still keep what the caller did not sample. Whoever is called is told as we were.
      return { decision: sampled || parentBased === false ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.RECORD }
    },
    toString: () => 'CalledByAgents',
  }
}

function intoRecorder(recorder: Recorder): SpanProcessor {
  return {
    onStart: () => {},
    onEnd(span: ReadableSpan) {
      const { traceId, spanId, traceFlags } = span.spanContext()
      recorder.guest({
        traceId,
        spanId,
        parentId: span.parentSpanContext?.spanId,
        name: span.name,
        tookMs: hrTimeToMilliseconds(span.duration),
        failed: span.status.code === SpanStatusCode.ERROR,
        span: (traceFlags & TraceFlags.SAMPLED) === 0 ? asSampled(span) : span,
      })
    },
    forceFlush: async () => {},
    shutdown: async () => {},
  }
}

/** Where its trace is kept it is exported like the others, though it was not sampled when it began. */
function asSampled(span: ReadableSpan): ReadableSpan {
  const sampled = { ...span.spanContext(), traceFlags: TraceFlags.SAMPLED }
  return Object.create(span, { spanContext: { value: () => sampled } }) as ReadableSpan
}
