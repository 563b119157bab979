import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { startTelemetry } from '@stigmergy/telemetry/node'
import { collector } from './support/collector.ts'
import { withEnvironment } from './support/environment.ts'
import { dig, fields } from './support/protobuf.ts'
import { endOf, startOf } from './support/transitions.ts'

const test = suite('otlp')
const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('utf8')
const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex')

test('spans and metrics go to the endpoint in the environment, as protobuf', async () => {
  const { url, posts, close } = await collector()
  await withEnvironment(
    { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_SERVICE_NAME: 'cell-7', OTEL_RESOURCE_ATTRIBUTES: 'site=siegen' },
    async () => {
      const telemetry = await startTelemetry({ region: 'eu', keep: 'all' })
      const root = telemetry.startTrace('camera frame')
      const context = telemetry.core.onTransitionStart!(startOf({ trace: root }))!
      telemetry.core.onTransitionEnd!(endOf({ trace: root, context }))
      await telemetry.close()

      const traces = posts.find(({ path }) => path === '/v1/traces')!
      assert.is(traces.headers['content-type'], 'application/x-protobuf')
      // ExportTraceServiceRequest.resource_spans(1).scope_spans(2).spans(2)
      const spans = dig(traces.body, 1, 2, 2)
      assert.equal(
        spans.map((span) => text(dig(span, 5)[0])),
        ['camera frame', 'robot idle -> picking'],
      )
      assert.equal(
        spans.map((span) => hex(dig(span, 1)[0])),
        [root.traceId, root.traceId],
      )
      assert.is(hex(dig(spans[1]!, 4)[0]), root.spanId)
      assert.is(hex(dig(spans[1]!, 2)[0]), context.spanId)
      const times = fields(spans[1]!)
        .filter(({ number }) => number === 7 || number === 8)
        .map(({ value }) => value as bigint)
      assert.is(times[1]! - times[0]!, 3_000_000n)

      const attributes = Object.fromEntries(dig(traces.body, 1, 1, 1).map((pair) => [text(dig(pair, 1)[0]), text(dig(pair, 2, 1)[0])]))
      assert.is(attributes['service.name'], 'cell-7')
      assert.is(attributes['site'], 'siegen')
      assert.is(attributes['agent.region'], 'eu')

      const metrics = posts.find(({ path }) => path === '/v1/metrics')!
      const names = dig(metrics.body, 1, 2, 2).map((metric) => text(dig(metric, 1)[0]))
      assert.ok(names.includes('agent_worldmodel_timestamp_seconds'), names.join())
      assert.equal(telemetry.tally.exportFailures, { traces: 0, metrics: 0, logs: 0 })
    },
  )
  await close()
})

test('an endpoint and a service given in code come before the environment', async () => {
  const { url, posts, close } = await collector()
  await withEnvironment({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_SERVICE_NAME: 'other' }, async () => {
    const telemetry = await startTelemetry({ service: 'mine', otlp: { endpoint: url, headers: { 'x-key': 'k' } }, keep: 'all' })
    telemetry.startTrace('s')
    await telemetry.flush()
    assert.is(posts.filter(({ path }) => path === '/v1/traces').length, 1)
    assert.is(posts[0]!.headers['x-key'], 'k')
    assert.ok(posts.every(({ body }) => text(body).includes('mine')))
    await telemetry.close()
  })
  await close()
})

test('otlp: false sends nothing whatever the environment says', async () => {
  const { url, posts, close } = await collector()
  await withEnvironment({ OTEL_EXPORTER_OTLP_ENDPOINT: url }, async () => {
    const telemetry = await startTelemetry({ otlp: false, keep: 'all' })
    telemetry.startTrace('s')
    await telemetry.close()
  })
  assert.is(posts.length, 0)
  await close()
})

test('a collector that refuses, or is not there: counted, said in one line, nothing thrown', async () => {
  const { url, close } = await collector(400)
  for (const endpoint of [url, 'http://127.0.0.1:1']) {
    const lines: string[] = []
    await withEnvironment({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }, async () => {
      const telemetry = await startTelemetry({ keep: 'all', warn: (line) => lines.push(line), closeTimeoutMs: 500 })
      telemetry.startTrace('a')
      await telemetry.flush()
      telemetry.startTrace('b')
      await telemetry.close()
      assert.is(telemetry.tally.exportFailures.traces, 2)
      assert.ok(telemetry.tally.exportFailures.metrics >= 1)
    })
    assert.is(lines.length, 1)
    assert.ok(!lines[0]!.includes('\n'))
  }
  await close()
})

test('a collector that never answers: close ends at its deadline and nothing is left', async () => {
  const { url, posts, close } = await collector('never')
  await withEnvironment({ OTEL_EXPORTER_OTLP_ENDPOINT: url }, async () => {
    const telemetry = await startTelemetry({ keep: 'all', warn: () => {}, closeTimeoutMs: 300 })
    telemetry.startTrace('a')
    const started = performance.now()
    await telemetry.close()
    const took = performance.now() - started
    assert.ok(took < 2500, `close took ${took} ms`)
    assert.is(posts.filter(({ path }) => path === '/v1/traces').length, 1)
    assert.ok(telemetry.tally.exportFailures.traces >= 1)
  })
  await close()
})

/** `partial_success { rejected: 3, error_message: 'quota' }`, the same for spans and lines. */
const REFUSED = Uint8Array.of(0x0a, 9, 0x08, 3, 0x12, 5, ...new TextEncoder().encode('quota'))

for (const exportThread of [false, true]) {
  test(`what a collector takes in part is lost in part: ${exportThread ? 'on its thread' : 'here'}`, async () => {
    const { url, close } = await collector(200, REFUSED)
    const lines: string[] = []
    const telemetry = await startTelemetry({
      otlp: { endpoint: url },
      keep: 'all',
      exportThread,
      logs: { destination: { write: () => true } },
      prometheus: { port: 0 },
      warn: (line) => lines.push(line),
    })
    for (let i = 0; i < 10; i++) telemetry.startTrace('reading')
    await telemetry.flush()
    const ratio = Number(/^telemetry_coherent_trace_ratio (\S+)$/m.exec(await (await fetch(telemetry.prometheus!.url)).text())?.[1])
    assert.equal([telemetry.tally.dropped.span, telemetry.tally.dropped.log, ratio], [3, 0, 0.7])
    assert.match(lines.join(), /an export of traces failed \(the receiver refused 3 of 10: quota\)/)
    telemetry.logger.info('one')
    await telemetry.flush()
    assert.is(telemetry.tally.dropped.log, 1, 'of one line no three')
    await telemetry.close()
    await close()
  })
}

test.run()
