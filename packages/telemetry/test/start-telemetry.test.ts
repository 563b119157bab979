import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { metrics, trace } from '@opentelemetry/api'
import { ExportResultCode } from '@opentelemetry/core'
import { AggregationTemporality, InMemoryMetricExporter, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { InMemorySpanExporter, type SpanExporter } from '@opentelemetry/sdk-trace-base'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createVirtualClock } from '@stigmergy/grid'
import { isTelemetryError } from '@stigmergy/telemetry'
import { startTelemetry, type StartTelemetryOptions } from '@stigmergy/telemetry/node'
import { collector } from './support/collector.ts'
import { withEnvironment } from './support/environment.ts'
import { agentInfo, endOf, startOf } from './support/transitions.ts'

const test = suite('start-telemetry')

test('spans reach an exporter of the user, with the times of the given clock', () =>
  withEnvironment({}, async () => {
    const exporter = new InMemorySpanExporter()
    const clock = createVirtualClock({ wallStartMs: 1_700_000_000_000 })
    const telemetry = await startTelemetry({ service: 's', clock, spanExporters: [exporter], keep: 'all' })
    await clock.advance(50)
    const context = telemetry.startTrace('camera frame', { camera: 'c1' }, { startedAtMs: 20 })
    await telemetry.flush()
    const [span] = exporter.getFinishedSpans()
    assert.is(span!.name, 'camera frame')
    assert.equal(span!.attributes, { 'agent.stage': 'sensor', camera: 'c1' })
    assert.equal(span!.startTime, [1_700_000_000, 20_000_000])
    assert.equal(span!.duration, [0, 30_000_000])
    assert.is(span!.spanContext().traceId, context.traceId)
    assert.is(span!.resource.attributes['service.name'], 's')
    await telemetry.close()
  }))

test('more ids of agents than the recorder has room for: said once, counted, and names stay', () =>
  withEnvironment({}, async () => {
    const exporter = new InMemorySpanExporter()
    const lines: string[] = []
    await using telemetry = await startTelemetry({
      spanExporters: [exporter],
      keep: { slowPerSecond: 0 },
      prometheus: { port: 0 },
      clock: createVirtualClock(),
      warn: (line) => void lines.push(line),
    })
    for (let i = 0; i < 110_000; i++) telemetry.core.onTransitionEnd!(endOf({ agent: agentInfo({ id: `job-${i}`, type: 'job' }) }))
    const arm = agentInfo({ id: 'arm-7', type: 'arm' })
    const context = telemetry.core.onTransitionStart!(startOf({ agent: arm }))
    telemetry.core.onTransitionEnd!(endOf({ agent: arm, from: 'moving', to: 'crushed', context: context!, error: new Error('x') }))
    await telemetry.flush()
    const span = exporter.getFinishedSpans().find(({ name }) => name.startsWith('arm'))
    assert.is(span?.name, 'arm moving -> crushed')
    assert.is(span?.attributes['agent.id'], 'other')
    assert.equal(lines, ['telemetry: no room in the recorder for more ids of agents: new ones are "other" in spans'])
    const page = await (await fetch(telemetry.prometheus!.url)).text()
    assert.match(page, /^telemetry_dropped_total\{what="text"\} [1-9]\d*$/m)
  }))

test('the service has a name without being told', () =>
  withEnvironment({}, async () => {
    const exporter = new InMemorySpanExporter()
    const telemetry = await startTelemetry({ spanExporters: [exporter], keep: 'all' })
    telemetry.startTrace('s')
    await telemetry.flush()
    assert.is(exporter.getFinishedSpans()[0]!.resource.attributes['service.name'], 'stigmergy')
    await telemetry.close()
  }))

test('without a recorder no spans are made, and what came with an event passes through', () =>
  withEnvironment({}, async () => {
    const telemetry = await startTelemetry({ prometheus: { port: 0 }, recorder: false })
    assert.is(telemetry.startTrace('s').traceId, '0'.repeat(32))
    assert.is(
      telemetry.core.onTransitionStart?.(startOf({ trace: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 } })),
      undefined,
    )
    await telemetry.close()
  }))

test('it observes the system it is given, and no more after close', () =>
  withEnvironment({}, async () => {
    let using: unknown
    const system = { use: (hooks: unknown) => ((using = hooks), () => void (using = undefined)) }
    const telemetry = await startTelemetry({ system })
    assert.is(using, telemetry.core)
    await telemetry.close()
    assert.is(using, undefined)
  }))

test('nothing is registered globally', () =>
  withEnvironment({}, async () => {
    await using _telemetry = await startTelemetry({ prometheus: { port: 0 } })
    assert.not.ok(trace.getTracer('x').startSpan('x').isRecording())
    assert.is(metrics.getMeter('x').createCounter('x').constructor.name, 'NoopCounterMetric')
  }))

test('an exporter that throws, fails or never answers changes nothing and is counted', () =>
  withEnvironment({}, async () => {
    const boom = (): never => {
      throw new Error('boom')
    }
    const exporters: SpanExporter[] = [
      { export: boom, shutdown: boom },
      { export: (_, done) => done({ code: ExportResultCode.FAILED, error: new Error('full') }), shutdown: async () => boom() },
      { export: () => {}, shutdown: () => new Promise(() => {}), forceFlush: () => new Promise(() => {}) },
    ]
    const good = new InMemorySpanExporter()
    const lines: string[] = []
    const telemetry = await startTelemetry({
      spanExporters: [...exporters, good],
      keep: 'all',
      closeTimeoutMs: 100,
      warn: (line) => lines.push(line),
    })
    for (let i = 0; i < 600; i++) {
      const context = telemetry.core.onTransitionStart!(startOf())
      telemetry.core.onTransitionEnd!(endOf({ context, agent: agentInfo({ stage: 'planning' }) }))
    }
    await telemetry.flush()
    assert.is(good.getFinishedSpans().length, 600)
    await telemetry.close()
    assert.ok(telemetry.tally.exportFailures.traces >= 3)
    assert.is(lines.length, 1)
  }))

test('a warning that throws is no problem either', () =>
  withEnvironment({}, async () => {
    const telemetry = await startTelemetry({
      keep: 'all',
      spanExporters: [
        {
          export: () => {
            throw new Error('x')
          },
          shutdown: async () => {},
        },
      ],
      warn: () => {
        throw new Error('y')
      },
    })
    telemetry.startTrace('s')
    await telemetry.close()
    assert.is(telemetry.tally.exportFailures.traces, 1)
  }))

test('metrics reach a reader of the user', () =>
  withEnvironment({}, async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
    const telemetry = await startTelemetry({ metricReaders: [reader] })
    telemetry.recordTaskAssignment(0.1)
    await telemetry.close()
    assert.ok(exporter.getMetrics().length > 0)
    try {
      await startTelemetry({ metricReaders: [reader], prometheus: { port: 0 } })
      assert.unreachable()
    } catch (error) {
      assert.ok(isTelemetryError(error, 'BAD_OPTION'), String(error))
    }
  }))

test('disabled: the same interface, nothing opened', () =>
  withEnvironment({ OTEL_SDK_DISABLED: 'true' }, async () => {
    const exporter = new InMemorySpanExporter()
    const telemetry = await startTelemetry({ prometheus: { port: 0 }, spanExporters: [exporter] })
    assert.is(telemetry.prometheus, undefined)
    assert.equal([telemetry.core, telemetry.grid], [{}, {}])
    assert.is(telemetry.startTrace('s').traceId, '0'.repeat(32))
    telemetry.recordTaskAssignment(1)
    telemetry.observeAge(() => [])()
    await telemetry.flush()
    await telemetry.close()
    assert.is(exporter.getFinishedSpans().length, 0)
  }))

test('close may be called again and at once', () =>
  withEnvironment({}, async () => {
    const telemetry = await startTelemetry({ prometheus: { port: 0 } })
    await Promise.all([telemetry.close(), telemetry.close()])
    await telemetry.close()
    await telemetry.flush()
  }))

test('a bad option is refused with its value', () =>
  withEnvironment({}, async () => {
    const cases: readonly (readonly [StartTelemetryOptions, string])[] = [
      [{ service: '' }, 'service is ""'],
      [{ region: 5 as unknown as string }, 'region is 5'],
      [{ closeTimeoutMs: 0 }, 'closeTimeoutMs is 0'],
      [{ prometheus: { port: 70_000 } }, 'prometheus.port is 70000'],
      [{ prometheus: { port: '9464' as unknown as number } }, 'prometheus.port is "9464"'],
      [{ prometheus: { port: 0, host: '' } }, 'prometheus.host is ""'],
      [{ otlp: { endpoint: 'collector' } }, 'otlp.endpoint is "collector"'],
      [{ otlp: { headers: { a: 1 as unknown as string } } }, 'otlp.headers is'],
    ]
    for (const [options, message] of cases) {
      try {
        await startTelemetry(options)
        assert.unreachable(message)
      } catch (error) {
        assert.ok(isTelemetryError(error, 'BAD_OPTION'), String(error))
        assert.ok((error as Error).message.includes(message), (error as Error).message)
      }
    }
  }))

test('a process ends by itself soon after close, whatever the collector does', async () => {
  const silent = await collector('never')
  const busy = await collector(503)
  const program = fileURLToPath(new URL('support/close-and-end.ts', import.meta.url))
  for (const endpoint of [silent.url, busy.url, 'http://127.0.0.1:1']) {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--conditions=@stigmergy/source', '--import', 'tsx', program], {
      env: { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint },
      timeout: 30_000,
    })
    const [closeMs, endMs] = stdout.trim().split(' ').map(Number)
    assert.ok(closeMs! < 2500 && endMs! < 2500, `${endpoint}: close took ${closeMs} ms, the end came ${endMs} ms later`)
    assert.is(stderr.trim().split('\n').length, 1, stderr)
  }
  await silent.close()
  await busy.close()
})

test.run()
