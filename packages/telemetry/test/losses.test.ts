import { ExportResultCode } from '@opentelemetry/core'
import type { SpanExporter } from '@opentelemetry/sdk-trace-base'
import { startTelemetry, type StartTelemetryOptions } from '@stigmergy/telemetry/node'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { reasonCode } from '../src/recorder/keep-rules.ts'
import { withEnvironment } from './support/environment.ts'
import { ended, openFlight } from './support/flight.ts'
import { modules } from './support/module-of.ts'
import { agentInfo } from './support/transitions.ts'

const test = suite('losses')
const none: ReadonlySet<string> = new Set()

const moduleOf = modules(test)

const small = { keep: { ratio: 0, slowPerSecond: 0 }, historyMs: 1, maxMebibytes: 1 } as const

test('a trace that is kept late tells how many of its spans are overwritten', () => {
  const { recorder, flight, spans, lost } = openFlight(small)
  const root = recorder.root('reading', {}, 0, 0)
  const agent = agentInfo()
  const step = () => {
    const context = recorder.start(root)
    recorder.end(recorder.rowOf(agent), 'go', ended(0, 0, 0, 1), 0, 'a', 'b', none, none, undefined, context)
    return context
  }
  for (let i = 0; i < 4; i++) step()
  for (let i = 0; i < 10_000; i++) recorder.root('other', {}, i, i)
  recorder.link(step(), root)
  recorder.keep(root, reasonCode('drift'))
  assert.is(spans().length, 1)
  assert.equal([lost(), flight.counts.incomplete], [5, 1])
  step()
  assert.is(spans().length, 2)
  assert.is(lost(), 5, 'counted once, and a link is no span')
})

test('a kept trace whose row is taken before it is told: its spans are counted', () => {
  const { recorder, flight, spans, lost } = openFlight({ ...small, historyMs: 3_600_000 })
  const kept = recorder.root('reading', {}, 0, 0, 'plan')
  // Rows are taken, and no records are written that would make the kept one leave.
  recorder.keep(kept, reasonCode('debug'))
  for (let i = 0; i < 33_000; i++) recorder.start(recorder.start(undefined))
  assert.is(spans().length, 0)
  assert.equal([lost(), flight.counts.traces, flight.counts.incomplete], [1, 1, 1])
})

test('a trace that begins after very many of other processes is whole', () => {
  const { recorder, flight, spans } = openFlight(small)
  recorder.start(undefined)
  for (let i = 0; i < 33_000; i++)
    recorder.start({ traceId: (i + 1).toString(16).padStart(32, '0'), spanId: 'b'.repeat(16), traceFlags: 1 })
  const context = recorder.start(undefined)
  recorder.end(recorder.rowOf(agentInfo()), 'go', ended(0, 0, 0, 1), 0, 'a', 'b', none, none, new Error('x'), context)
  assert.is(spans().length, 1)
  assert.equal([flight.counts.traces, flight.counts.incomplete], [1, 0])
})

test('a trace kept elsewhere that has nothing here yet is none of those exported', () => {
  const { recorder, flight, spans } = openFlight(small)
  const trace = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 }
  recorder.keepRemote(trace.traceId, 'error')
  spans()
  assert.is(flight.counts.traces, 0)
  const context = recorder.start(trace)
  recorder.end(recorder.rowOf(agentInfo()), 'go', ended(0, 0, 0, 1), 0, 'a', 'b', none, none, undefined, context)
  spans()
  assert.is(flight.counts.traces, 1)
})

/** Answers to everything, and to nothing. */
const EXPORTERS = `[{ export: (_, done) => done({ code: 0 }), shutdown: async () => {} }, { export() {}, shutdown: async () => {} }]`

/** Traces of four spans, as fast as the exporter that answers takes them; the other one has a queue of forty. */
async function through(options: StartTelemetryOptions) {
  return withEnvironment({ OTEL_BSP_MAX_QUEUE_SIZE: '40', OTEL_BSP_SCHEDULE_DELAY: '1' }, async () => {
    const telemetry = await startTelemetry({ keep: 'all', prometheus: { port: 0 }, closeTimeoutMs: 300, warn: () => {}, ...options })
    const agent = agentInfo()
    const { transitions } = telemetry.core
    for (let i = 0; i < 100; i++) {
      let context = telemetry.startTrace('reading')
      for (let k = 0; k < 3; k++) {
        const next = transitions!.start(agent, 'go', context, 1, 1, 0)!
        transitions!.end(agent, 'go', context, 1, 1, 0, 2, 'a', 'b', none, none, undefined, next)
        context = next
      }
    }
    while (telemetry.tally.dropped.span < 100) await new Promise(setImmediate)
    const text = await (await fetch(telemetry.prometheus!.url)).text()
    const whole = Math.round(100 * Number(/^telemetry_coherent_trace_ratio (\S+)$/m.exec(text)?.[1]))
    const dropped = Number(/^telemetry_dropped_total\{what="span"\} (\S+)$/m.exec(text)?.[1])
    await telemetry.close()
    assert.ok(whole > 0 && whole < 100 && dropped >= 100 - whole && dropped <= 4 * (100 - whole), `${whole} whole, ${dropped} dropped`)
  })
}

test('a trace of which a span found no room in the queue is not whole', async () => {
  const module = (await import(await moduleOf(`export const exporters = ${EXPORTERS}`))) as { readonly exporters: SpanExporter[] }
  await through({ spanExporters: module.exporters })
})

test('the same through the thread that exports', async () =>
  through({ exportThread: { module: await moduleOf(`export const spanExporters = ${EXPORTERS}`) } }))

test('spans of a failed export are dropped, and their traces are not whole; so are lines of the log', async () => {
  await withEnvironment({ OTEL_BSP_MAX_QUEUE_SIZE: '512', OTEL_BLRP_MAX_QUEUE_SIZE: '10' }, async () => {
    const failing = {
      export: (_: unknown, done: (result: { readonly code: ExportResultCode }) => void) => done({ code: ExportResultCode.FAILED }),
      shutdown: async () => {},
      forceFlush: async () => {},
    }
    const telemetry = await startTelemetry({
      keep: 'all',
      prometheus: { port: 0 },
      warn: () => {},
      spanExporters: [failing],
      logs: { destination: { write: () => true } },
      logExporters: [failing],
    })
    for (let i = 0; i < 20; i++) telemetry.startTrace('reading')
    for (let i = 0; i < 5; i++) telemetry.logger.info('x')
    await telemetry.flush()
    const text = await (await fetch(telemetry.prometheus!.url)).text()
    assert.match(text, /^telemetry_dropped_total\{what="span"\} 20$/m)
    assert.match(text, /^telemetry_dropped_total\{what="log"\} 5$/m)
    assert.match(text, /^telemetry_coherent_trace_ratio 0$/m)
    await telemetry.close()
  })
})

test('the same in the thread that exports', async () => {
  await withEnvironment({}, async () => {
    const exporters = `export const spanExporters = [{ export: (_, done) => done({ code: 1, error: new Error('503') }), shutdown: async () => {} }]`
    const telemetry = await startTelemetry({
      keep: 'all',
      prometheus: { port: 0 },
      warn: () => {},
      exportThread: { module: await moduleOf(exporters) },
    })
    for (let i = 0; i < 20; i++) telemetry.startTrace('reading')
    await telemetry.flush()
    const text = await (await fetch(telemetry.prometheus!.url)).text()
    assert.match(text, /^telemetry_dropped_total\{what="span"\} 20$/m)
    assert.match(text, /^telemetry_coherent_trace_ratio 0$/m)
    await telemetry.close()
    assert.is(telemetry.tally.dropped.span, 20)
  })
})

test('a burst of kept traces waits in the recorder for an exporter that takes them', () =>
  withEnvironment({ OTEL_BSP_MAX_QUEUE_SIZE: '600' }, async () => {
    let taken = 0
    const exporter: SpanExporter = {
      export(spans, done) {
        taken += spans.length
        setTimeout(() => done({ code: ExportResultCode.SUCCESS }), 1)
      },
      shutdown: async () => {},
    }
    const telemetry = await startTelemetry({ keep: { ratio: 0, slowPerSecond: 0 }, spanExporters: [exporter], closeTimeoutMs: 20_000 })
    const agent = agentInfo()
    const { transitions } = telemetry.core
    // Its clock is that of the process: what ended before the history it holds need not wait.
    const now = performance.now()
    // Three times what the recorder has room for at its start, at once.
    for (let i = 0; i < 3000; i++) {
      let context = telemetry.startTrace('reading')
      for (let k = 0; k < 7; k++) {
        const next = transitions!.start(agent, 'go', context, now, now, 0)!
        transitions!.end(agent, 'go', context, now, now, 0, now + 1, 'a', 'b', none, none, k === 6 ? new Error('down') : undefined, next)
        context = next
      }
    }
    await telemetry.close()
    assert.equal([taken, telemetry.tally.dropped.span], [24_000, 0])
  }))

test('what would be overwritten leaves the ring, the rest waits', () => {
  const { recorder, flight, emitted } = openFlight({ keep: 'all', historyMs: 1, maxMebibytes: 1 })
  const agent = recorder.rowOf(agentInfo())
  const one = (at: number): void =>
    recorder.end(agent, 'go', ended(at, at, 0, at), 0, 'a', 'b', none, none, undefined, recorder.start(undefined))
  for (let i = 0; i < 6144; i++) one(i)
  assert.is(emitted.length, 0)
  // The last quarter of the ring is begun: only its first block is next.
  one(6145)
  assert.is(emitted.length, 65)
  for (let i = 0; i < 40_000; i++) one(7000 + i)
  flight.run(Infinity)
  assert.is(emitted.length, 46_145)
  assert.is(flight.counts.incomplete, 0)
})

test.run()
