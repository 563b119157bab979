import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isTelemetryError } from '@stigmergy/telemetry'
import { isDisabled, readEnvironment } from '../src/node/environment.ts'

const test = suite('environment')

const refused = (variables: Record<string, string>, ...parts: string[]) =>
  assert.throws(
    () => readEnvironment(variables),
    (error: unknown) => isTelemetryError(error, 'BAD_OPTION') && parts.every((part) => (error as Error).message.includes(part)),
  )

test('nothing set: nothing is sent', () => {
  const environment = readEnvironment({})
  assert.is(isDisabled({}), false)
  assert.is(environment.tracesUrl, undefined)
  assert.is(environment.metricsUrl, undefined)
  assert.is(environment.prometheusWanted, false)
  assert.is(environment.prometheusPort, 9464)
})

test('an empty variable counts as not set', () => {
  assert.is(readEnvironment({ OTEL_EXPORTER_OTLP_ENDPOINT: ' ', OTEL_SDK_DISABLED: '' }).tracesUrl, undefined)
})

test('one endpoint serves both signals, with or without a slash or a path', () => {
  for (const [endpoint, base] of [
    ['http://c:4318', 'http://c:4318'],
    ['http://c:4318/', 'http://c:4318'],
    ['https://c/otel', 'https://c/otel'],
  ] as const) {
    const { tracesUrl, metricsUrl } = readEnvironment({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })
    assert.is(tracesUrl, `${base}/v1/traces`)
    assert.is(metricsUrl, `${base}/v1/metrics`)
  }
})

test('an endpoint of one signal is taken as it is and turns on only that signal', () => {
  const { tracesUrl, metricsUrl } = readEnvironment({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c:4318/x' })
  assert.is(tracesUrl, 'http://c:4318/x')
  assert.is(metricsUrl, undefined)
})

test('exporters: none turns off, otlp alone means the local collector, prometheus opens the endpoint', () => {
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }
  assert.is(readEnvironment({ ...endpoint, OTEL_TRACES_EXPORTER: 'none' }).tracesUrl, undefined)
  assert.is(readEnvironment({ OTEL_TRACES_EXPORTER: 'otlp' }).tracesUrl, 'http://localhost:4318/v1/traces')
  const both = readEnvironment({ ...endpoint, OTEL_METRICS_EXPORTER: 'otlp, prometheus' })
  assert.is(both.metricsUrl, 'http://c:4318/v1/metrics')
  assert.is(both.prometheusWanted, true)
  assert.is(readEnvironment({ ...endpoint, OTEL_METRICS_EXPORTER: 'prometheus' }).metricsUrl, undefined)
})

test('disabled is true in any case of letters, and nothing else', () => {
  assert.is(isDisabled({ OTEL_SDK_DISABLED: 'TRUE' }), true)
  assert.is(isDisabled({ OTEL_SDK_DISABLED: '1' }), false)
})

test('names of exporters, samplers and the protocol are known in any case of letters', () => {
  const environment = readEnvironment({
    OTEL_METRICS_EXPORTER: 'Prometheus',
    OTEL_TRACES_SAMPLER: 'ParentBased_ALWAYS_ON',
    OTEL_TRACES_EXPORTER: 'OTLP',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'HTTP/Protobuf',
  })
  assert.equal(
    [environment.prometheusWanted, environment.sampler, environment.spansWanted],
    [true, { headRatio: 1, parentBased: true }, true],
  )
  assert.is(environment.tracesUrl, 'http://localhost:4318/v1/traces')
  assert.is(readEnvironment({ OTEL_TRACES_SAMPLER: 'ALWAYS_OFF' }).spansWanted, false)
  assert.is(readEnvironment({ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }).spansWanted, true)
})

test('a bad value is refused with its name and value', () => {
  refused({ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }, 'OTEL_EXPORTER_OTLP_ENDPOINT', '"collector:4318"')
  refused({ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'nope' }, 'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT', '"nope"')
  refused({ OTEL_EXPORTER_OTLP_TIMEOUT: '-5' }, 'OTEL_EXPORTER_OTLP_TIMEOUT', '"-5"')
  refused({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4317', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, 'OTEL_EXPORTER_OTLP_PROTOCOL', '"grpc"')
})

test('the deadline of a signal comes before the common one', () => {
  const { otlp } = readEnvironment({ OTEL_EXPORTER_OTLP_TIMEOUT: '3000', OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '200' })
  assert.equal([otlp.traces.timeoutMs, otlp.metrics.timeoutMs, otlp.logs.timeoutMs], [200, 3000, 3000])
  assert.is(readEnvironment({}).otlp.logs.timeoutMs, 10_000)
  for (const signal of ['TRACES', 'METRICS', 'LOGS']) refused({ [`OTEL_EXPORTER_OTLP_${signal}_TIMEOUT`]: 'x' }, `${signal}_TIMEOUT`, '"x"')
  refused({ OTEL_BSP_SCHEDULE_DELAY: 'soon' }, 'OTEL_BSP_SCHEDULE_DELAY', '"soon"')
})

test('certificates are read from their files, those of a signal first; one that cannot be read is refused', () => {
  const [own, common] = [import.meta.filename, new URL('support/seeded.ts', import.meta.url).pathname]
  const { otlp } = readEnvironment({ OTEL_EXPORTER_OTLP_CERTIFICATE: common, OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE: own })
  assert.match(otlp.logs.tls.ca ?? '', /^import \{ suite/)
  assert.not.match(otlp.traces.tls.ca ?? 'import { suite', /^import \{ suite/)
  assert.equal(Object.keys(readEnvironment({ OTEL_EXPORTER_OTLP_CLIENT_KEY: own }).otlp.metrics.tls), ['key'])
  refused({ OTEL_EXPORTER_OTLP_CERTIFICATE: '/no/where.pem' }, 'OTEL_EXPORTER_OTLP_CERTIFICATE', '"/no/where.pem"')
})

test('a protocol is of no interest when nothing is sent', () => {
  assert.is(readEnvironment({ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }).tracesUrl, undefined)
})

test.run()
