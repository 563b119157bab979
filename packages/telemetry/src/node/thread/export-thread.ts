// The thread that makes spans of handed records, serialises and exports them. It reads the recorder's memory, which the agents' thread writes.
import { parentPort, workerData } from 'node:worker_threads'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base'
import { withGenAi } from '../../recorder/gen-ai.ts'
import type { HandedRecord } from '../../recorder/handed.ts'
import { readFlight } from '../../recorder/read.ts'
import { keptSpan } from '../../recorder/recorded-span.ts'
import { spanTimeOf } from '../../span-time.ts'
import { guardedAgent } from '../guarded-agent.ts'
import { withRefusedSpans } from '../partial-success.ts'
import { createSpanReplay } from '../span-replay.ts'
import { batchedSpanSink } from '../span-sink.ts'
import type { FromThread, PlainSpan, ThreadData, ToThread } from './messages.ts'
import { createOwedSpans, type TraceKey } from './owed-spans.ts'

if (parentPort === null) throw new Error('this module is a worker thread of telemetry: see the option exportThread')
const port = parentPort
const data = workerData as ThreadData
const tell = (message: FromThread): void => port.postMessage(message)

async function userExporters(module: string): Promise<readonly SpanExporter[]> {
  const { spanExporters } = (await import(module)) as { readonly spanExporters?: unknown }
  if (Array.isArray(spanExporters)) return spanExporters as readonly SpanExporter[]
  throw new Error(`${module} exports no array spanExporters`)
}

const ROOM_MS = 50

const resource = resourceFromAttributes(data.resource)
const { otlp } = data
const given = data.module === undefined ? [] : await userExporters(data.module)
const owed = createOwedSpans(given.length + (otlp === undefined ? 0 : 1))
const onFailure = ({ message }: Error): void => tell({ type: 'failed', message })
const exporters = [
  ...(otlp === undefined
    ? []
    : [
        withRefusedSpans(
          new OTLPTraceExporter({
            url: otlp.url,
            timeoutMillis: otlp.timeoutMs,
            httpAgentOptions: guardedAgent(otlp.tls),
            ...(otlp.headers === undefined ? {} : { headers: { ...otlp.headers } }),
          }),
          owed.lost,
          onFailure,
        ),
      ]),
  ...given,
]
/** The trace of the span that is being made. */
let current: TraceKey = ''
const sinks = exporters.map((exporter) =>
  batchedSpanSink(exporter, {
    lose: owed.lost,
    queueSize: data.queueSize,
    delayMs: data.delayMs,
    timeoutMs: data.exportTimeoutMs,
    onFailure,
    onSettled(spans) {
      owed.done(spans)
      // At once: should this thread end, what it had told of is safe.
      tellTaken(0)
    },
  }),
)
let { epochMs } = data
const reader = readFlight(data.memory)
const replay = createSpanReplay({
  scope: data.scope,
  resource,
  processors: [{ onStart() {}, onEnd: exportSpan, forceFlush: async () => {}, shutdown: async () => {} }],
  time: spanTimeOf(
    () => epochMs,
    () => 0,
  ),
  unmade: () => owed.unmade(current),
})

function exportSpan(span: ReadableSpan): void {
  owed.add(span, current)
  for (const { processor } of sinks) processor.onEnd(span)
}

function exportRecord(handed: HandedRecord): void {
  const [record] = reader.read(handed.seq, 1).records
  current = handed.trace
  // It was overwritten before this thread came to it.
  if (record === undefined || record.seq !== handed.seq) {
    owed.unmade(handed.trace)
  } else {
    const span = keptSpan(record, handed.extra, handed)
    replay(data.genAi ? withGenAi(span) : span)
  }
}

function exportGuest({ context, ...span }: PlainSpan): void {
  const readable: ReadableSpan = { ...span, resource, spanContext: () => context }
  current = context.traceId
  exportSpan(readable)
}

let telling: NodeJS.Timeout | undefined

/** Says what there is room for, and again while that is little: who waits for room gives nothing meanwhile. */
function tellTaken(count: number): void {
  const room = sinks.length === 0 ? data.queueSize : Math.max(...sinks.map((sink) => sink.room()))
  tell({ type: 'taken', count, room, ...owed.take() })
  if (telling !== undefined || room > data.queueSize / 2) return
  telling = setTimeout(() => {
    telling = undefined
    tellTaken(0)
  }, ROOM_MS)
}

async function take(message: ToThread): Promise<void> {
  if (message.type === 'flush' || message.type === 'close') {
    const { type, id } = message
    await Promise.allSettled(sinks.map(async (sink) => (type === 'flush' ? sink.flush() : sink.close())))
    tellTaken(0)
    tell({ type: 'done', id })
    clearTimeout(telling)
    if (type === 'close') port.close()
    return
  }
  if (message.type === 'guest') exportGuest(message.span)
  else {
    epochMs = message.epochMs
    for (const record of message.records) exportRecord(record)
  }
  tellTaken(message.type === 'guest' ? 1 : message.records.length)
}

port.on('message', (message: ToThread) => void take(message))
