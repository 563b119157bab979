// The work of one process: transitions told to telemetry as core tells them, and the spans that came out.
import type { AgentInfo } from '@stigmergy/core'
import type { TraceContext } from '@stigmergy/grid'
import { startTelemetry, type StartTelemetryOptions, type Telemetry } from '@stigmergy/telemetry/node'
import { lineKeepPort, type Fault, type Line, type TracedSpan } from './messages.ts'

const NONE: ReadonlySet<string> = new Set()
const VIOLATION: ReadonlySet<string> = new Set(['violation'])
const STAGES: Readonly<Record<string, string>> = { eye: 'perception', planner: 'planning' }
/** Over the objective of planning. */
const SLOW_MS = 80

export interface Worker {
  readonly telemetry: Telemetry
  readonly spans: TracedSpan[]
  /** One transition of the agent of that type. Returns its context. */
  step(type: string, trace: TraceContext, fault?: Fault): TraceContext
}

export async function startWorker(line: Line, more: StartTelemetryOptions = {}): Promise<Worker> {
  const spans: TracedSpan[] = []
  const exporter: NonNullable<StartTelemetryOptions['spanExporters']>[number] = {
    export(batch, done) {
      for (const span of batch) {
        const { traceId, spanId } = span.spanContext()
        spans.push({ traceId, spanId, parentId: span.parentSpanContext?.spanId })
      }
      done({ code: 0 })
    },
    shutdown: async () => {},
  }
  const telemetry = await startTelemetry({
    otlp: false,
    prometheus: { port: 0 },
    keepPort: lineKeepPort(line),
    keep: { ratio: 0.005, sloMs: { planning: 50 } },
    ...more,
    spanExporters: [exporter, ...(more.spanExporters ?? [])],
  })
  const transitions = telemetry.core.transitions
  if (transitions === undefined) throw new Error('the recorder is off')
  const agents = new Map<string, AgentInfo>()
  const step: Worker['step'] = (type, trace, fault) => {
    let agent = agents.get(type)
    if (agent === undefined) agents.set(type, (agent = { id: type, type, stage: STAGES[type] }))
    const now = performance.now()
    const error = fault === `${type}-error` ? new Error(fault) : undefined
    const tags = fault === 'violation' && type === 'robot' ? VIOLATION : NONE
    const took = fault === 'planner-slow' && type === 'planner' ? SLOW_MS : 0.1
    const context = transitions.start(agent, 'go', trace, now, now, 0)
    transitions.end(agent, 'go', trace, now, now, 0, now + took, 'a', 'b', NONE, tags, error, context)
    return context as TraceContext
  }
  return { telemetry, spans, step }
}

/** A number of the page of metrics. */
export async function metric({ prometheus }: Telemetry, line: RegExp): Promise<number> {
  const page = await (await fetch(prometheus?.url ?? '')).text()
  return Number(line.exec(page)?.[1] ?? Number.NaN)
}

export const RATIO = /^telemetry_coherent_trace_ratio (\S+)$/m
export const LOST = /^telemetry_slices_lost_total (\S+)$/m
