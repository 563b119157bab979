import { SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api'
import type { Resource } from '@opentelemetry/resources'
import { AlwaysOnSampler, type SpanProcessor } from '@opentelemetry/sdk-trace-base'
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import type { RecordedSpan } from '../recorder/recorded-span.ts'
import { toOtelContext } from '../span-context.ts'
import type { SpanTime } from '../span-time.ts'
import { describeThrown } from '../thrown.ts'

export interface SpanReplayOptions {
  readonly scope: string
  readonly resource: Resource
  readonly processors: readonly SpanProcessor[]
  readonly time: SpanTime
  /** Is told the trace of a span that could not be made. */
  readonly unmade: (traceId: string) => void
}

/**
 * Spans of the SDK from what was recorded, with the ids and times they had: processors, exporters and span limits of the SDK work as
 * ever. All are sampled, as the choice was made before.
 */
export function createSpanReplay({ scope, resource, processors, time, unmade }: SpanReplayOptions): (span: RecordedSpan) => void {
  let traceId = ''
  let spanId = ''
  const provider = new NodeTracerProvider({
    resource,
    spanProcessors: [...processors],
    sampler: new AlwaysOnSampler(),
    idGenerator: { generateTraceId: () => traceId, generateSpanId: () => spanId },
  })
  const tracer: Tracer = provider.getTracer(scope)

  return (recorded) => {
    try {
      const { name, parentId, consumer, startedAtMs, endedAtMs, attributes, links, error } = recorded
      traceId = recorded.traceId
      spanId = recorded.spanId
      const endTime = time.toHrTime(endedAtMs)
      const span = tracer.startSpan(
        name,
        {
          kind: consumer ? SpanKind.CONSUMER : SpanKind.INTERNAL,
          startTime: time.toHrTime(startedAtMs),
          attributes,
          links: [...links],
          root: parentId === undefined,
        },
        toOtelContext(parentId === undefined ? undefined : { traceId, spanId: parentId, traceFlags: 1 }),
      )
      try {
        if (error !== undefined) {
          const exception = error instanceof Error ? error : describeThrown(error)
          span.setStatus({ code: SpanStatusCode.ERROR, message: exception instanceof Error ? exception.message : exception })
          span.recordException(exception, endTime)
        }
      } finally {
        span.end(endTime)
      }
    } catch {
      unmade(recorded.traceId)
    }
  }
}
