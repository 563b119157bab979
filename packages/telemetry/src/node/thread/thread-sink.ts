import { TraceFlags, type Attributes } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { Worker } from 'node:worker_threads'
import type { HandedRecord } from '../../recorder/handed.ts'
import type { SpanSink } from '../span-sink.ts'
import type { FromThread, PlainSpan, ThreadData, ToThread } from './messages.ts'
import type { TraceKey } from './owed-spans.ts'

export interface ThreadSinkOptions {
  readonly data: ThreadData
  /** Milliseconds of the epoch at 0 of the recorder's clock, now. */
  readonly epochMs: () => number
  /** Counts spans that were dropped here or there, of the trace with that id or number. @default spans 1 */
  readonly dropped: (trace: TraceKey, spans?: number) => void
  /** An export failed over there. */
  readonly onFailure: (error: Error) => void
  /** The thread has ended though nobody asked it to: what it was given is counted as lost. Told once. */
  readonly onEnd: (error: Error) => void
}

/** A sink whose spans are made, serialised and sent by a thread of their own. Its processor takes spans of instrumentations. */
export interface ThreadSink extends SpanSink {
  readonly alive: boolean
  handOver(records: readonly HandedRecord[]): void
}

// Threads load no TypeScript: from the sources, the built one is taken.
const ENTRY = import.meta.url.endsWith('.ts')
  ? new URL('../../../dist/node/thread/export-thread.js', import.meta.url)
  : new URL('export-thread.js', import.meta.url)

/** Starts the thread. Never throws: a thread that cannot start has ended. */
export function openThreadSink({ data, epochMs, dropped, onFailure, onEnd }: ThreadSinkOptions): ThreadSink {
  const { queueSize } = data
  let alive = true
  let closing = false
  /** Given and not yet taken over there. */
  let underWay = 0
  /** Given, and neither exported nor lost as far as was heard, of each trace. At most what is under way and in the queues over there. */
  const owed = new Map<TraceKey, number>()
  let roomThere = queueSize
  let ids = 0
  const answers = new Map<number, () => void>()
  let worker: Worker | undefined

  const end = (error: Error): void => {
    if (!alive) return
    alive = false
    // With the thread goes what it has not told of: no trace that lacks it may pass for whole.
    for (const [trace, spans] of owed) dropped(trace, spans)
    owed.clear()
    underWay = 0
    for (const answer of answers.values()) answer()
    answers.clear()
    if (!closing) onEnd(error)
  }
  const owes = (trace: TraceKey, spans: number): void => {
    const now = (owed.get(trace) ?? 0) + spans
    if (now > 0) owed.set(trace, now)
    else owed.delete(trace)
  }
  const heard = (message: FromThread): void => {
    // What it was still given is counted as lost by then.
    if (!alive) return
    if (message.type === 'failed') {
      onFailure(new Error(message.message))
    } else if (message.type === 'done') {
      answers.get(message.id)?.()
      answers.delete(message.id)
    } else {
      underWay -= message.count
      roomThere = message.room
      for (const [trace, spans] of message.settled) owes(trace, -spans)
      for (const [trace, spans] of message.lost) dropped(trace, spans)
    }
  }
  try {
    // No flags of this process: they may be for what this thread runs, not for that one.
    worker = new Worker(ENTRY, { workerData: data, execArgv: [], name: 'stigmergy telemetry' })
    worker.unref()
    worker.on('message', (message: FromThread) => heard(message))
    worker.on('messageerror', end)
    worker.on('error', (error: unknown) => end(error instanceof Error ? error : new Error(String(error))))
    worker.on('exit', (code) => end(new Error(`it ended with code ${code}`)))
  } catch (error) {
    end(error instanceof Error ? error : new Error(String(error)))
  }

  /** Spans of these traces; those that find no room are dropped and counted (I6). */
  const post = (message: ToThread, traces: readonly TraceKey[]): void => {
    if (alive && underWay + traces.length <= queueSize) {
      try {
        worker?.postMessage(message)
        underWay += traces.length
        for (const trace of traces) owes(trace, 1)
        return
      } catch {
        // Something in it cannot be copied.
      }
    }
    drop(traces)
  }
  const drop = (traces: readonly TraceKey[]): void => {
    for (const trace of traces) dropped(trace)
  }
  const ask = (type: 'flush' | 'close'): Promise<void> =>
    new Promise((resolve) => {
      if (!alive) return resolve()
      const id = ids++
      answers.set(id, resolve)
      worker?.postMessage({ type, id } satisfies ToThread)
    })

  return {
    get alive() {
      return alive
    },
    handOver(records) {
      // One message for what fits: the rest would be dropped whole with it.
      const fitting = Math.max(0, queueSize - underWay)
      const traces = records.map(({ trace }) => trace)
      if (fitting > 0) post({ type: 'records', records: records.slice(0, fitting), epochMs: epochMs() }, traces.slice(0, fitting))
      drop(traces.slice(fitting))
    },
    processor: {
      onStart() {},
      onEnd(span) {
        const { traceId, traceFlags } = span.spanContext()
        if ((traceFlags & TraceFlags.SAMPLED) !== 0) post({ type: 'guest', span: plainSpan(span) }, [traceId])
      },
      forceFlush: () => ask('flush'),
      shutdown: () => ask('close'),
    },
    room: () => Math.max(0, Math.min(roomThere, queueSize) - underWay),
    flush: () => ask('flush'),
    async close() {
      closing = true
      await ask('close')
      await worker?.terminate()
    },
    abort() {
      closing = true
      end(new Error('given up'))
      void worker?.terminate()
    },
  }
}

/** What of a span a message can carry. */
function plainSpan(span: ReadableSpan): PlainSpan {
  const { name, kind, parentSpanContext, startTime, endTime, status, attributes, links, events, duration, ended } = span
  const { instrumentationScope, droppedAttributesCount, droppedEventsCount, droppedLinksCount } = span
  const { name: scope, version, schemaUrl } = instrumentationScope
  const contextOf = ({ traceId, spanId, traceFlags }: ReturnType<ReadableSpan['spanContext']>) => ({ traceId, spanId, traceFlags })
  const parent = parentSpanContext === undefined ? {} : { parentSpanContext: contextOf(parentSpanContext) }
  const plain = (given: Attributes | undefined): Attributes => ({ ...given })
  return {
    name,
    kind,
    ...parent,
    startTime,
    endTime,
    status,
    attributes: plain(attributes),
    links: links.map((link) => ({ context: contextOf(link.context), attributes: plain(link.attributes) })),
    events: events.map((event) => ({ name: event.name, time: event.time, attributes: plain(event.attributes) })),
    duration,
    ended,
    instrumentationScope: { name: scope, ...(version === undefined ? {} : { version }), ...(schemaUrl === undefined ? {} : { schemaUrl }) },
    droppedAttributesCount,
    droppedEventsCount,
    droppedLinksCount,
    context: contextOf(span.spanContext()),
  }
}
