import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { InMemorySpanExporter } from '@opentelemetry/sdk-trace-base'
import { openGrid } from '@stigmergy/grid'
import { METRICS, createAlarms, isTelemetryError } from '@stigmergy/telemetry'
import { startTelemetry } from '@stigmergy/telemetry/node'
import { withEnvironment } from './support/environment.ts'
import { agentInfo, endOf, startOf } from './support/transitions.ts'

const test = suite('scrape-endpoint')
const SHORT_LEARNING = { drift: { windowDecisions: 20, baselineDecisions: 400 } }

test('the endpoint shows every metric by its literal name', () =>
  withEnvironment({}, async () => {
    await using telemetry = await startTelemetry({
      service: 'cell-1',
      region: 'eu',
      prometheus: { port: 0 },
      logs: { destination: { write: () => {} } },
    })
    telemetry.logger.info('up')
    const tagged = new Set(['stage:actuation'])
    telemetry.core.onTransitionEnd!(endOf({ agent: agentInfo({ stage: 'perception' }) }))
    telemetry.core.onTransitionEnd!(endOf({ agent: agentInfo({ stage: 'planning' }), tagsAfter: tagged }))
    telemetry.core.onTransitionEnd!(endOf({ tagsBefore: tagged }))
    telemetry.core.onRestart!(agentInfo(), 1, 'checkpoint')
    telemetry.core.onDeadLetter!({
      seq: 1,
      trace: undefined,
      id: undefined,
      agentId: 'x',
      event: { type: 'e' },
      reason: 'stopped',
      atMs: 0,
    })
    telemetry.grid.onChange!('parts', { type: 'resync', reason: 'gap', entries: new Map() })
    telemetry.core.onEscalation!({ supervisor: 'cell', child: 'r1', to: undefined })
    telemetry.core.onNeed!(agentInfo(), 'eye', 'degraded')
    telemetry.core.onSpawn!(agentInfo())
    telemetry.recordTaskAssignment(0.02)
    telemetry.observe('agent_mailbox_depth', () => [{ value: 3, labels: { agent_type: 'robot', agent_id: 'r1' } }])
    telemetry.observe('agent_breaker_state', () => [{ value: 2, labels: { breaker: 'store' } }])
    telemetry.observe('journal_lag_records', () => [{ value: 7, labels: { journal: 'moves', consumer: 'audit' } }])
    telemetry.count('policy_inference_errors_total', 1, { policy: 'grasp' })
    const grid = await openGrid()
    grid.map('parts').peek('p1')
    telemetry.watchGrid(grid)
    telemetry.observeAge(() => [
      { map: 'parts', ageMs: 20 },
      { source: 'r"1\n', ageMs: Infinity },
    ])

    const alarms = createAlarms({ clock: grid.clock, telemetry, region: 'eu', slo: { planner: { seconds: 1e-6 } }, ...SHORT_LEARNING })
    for (let i = 0; i < 420; i++) alarms.decided({ id: 'p1', type: 'planner' }, { action: 'wait', readAgesMs: [1000] })
    alarms.core.onTransitionEnd!(endOf({ agent: agentInfo({ type: 'planner' }) }))

    const response = await fetch(telemetry.prometheus!.url)
    const text = await response.text()
    assert.is(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
    for (const [name, { kind }] of Object.entries(METRICS)) {
      assert.match(text, new RegExp(`^# TYPE ${name} ${kind}$`, 'm'))
      assert.match(text, new RegExp(`^${name}${kind === 'histogram' ? '_bucket' : ''}\\{[^}]*region="eu"`, 'm'))
    }
    assert.match(text, /^agent_decision_latency_seconds_bucket\{.*agent_id="r1".*le="0\.05"\} 2$/m)
    assert.match(text, /^map_stale_age_seconds\{region="eu",map="parts"\} 0\.02$/m)
    assert.match(text, /^map_stale_age_seconds\{region="eu",source="r\\"1\\n"\} \+Inf$/m)
    assert.match(text, /^telemetry_export_failures_total\{region="eu",signal="traces"\} 0$/m)
    assert.match(text, /^target_info\{.*service_name="cell-1".*\} 1$/m)
    assert.not.match(text, /otel_scope/)
    assert.match(text, /^grid_near_cache_reads_total\{region="eu",map="parts"\} 1$/m)
    alarms.close()
    await grid.close()
    assert.is((await fetch(telemetry.prometheus!.url)).status, 200)
  }))

test('where no spans go there are no exemplars: they would lead nowhere', () =>
  withEnvironment({}, async () => {
    await using telemetry = await startTelemetry({ prometheus: { port: 0 }, keep: 'all' })
    const planner = agentInfo({ stage: 'planning' })
    const context = telemetry.core.onTransitionStart!(startOf({ agent: planner }))
    telemetry.core.onTransitionEnd!(endOf({ agent: planner, context }))
    const response = await fetch(telemetry.prometheus!.url, { headers: { accept: 'application/openmetrics-text;version=1.0.0' } })
    const page = await response.text()
    assert.match(page, /^planning_latency_seconds_count\{.*\} 1$/m)
    assert.not.match(page, / # \{/)
  }))

test('who asks for OpenMetrics gets it, with exemplars of kept traces that lead to them', () =>
  withEnvironment({}, async () => {
    const spanExporters = [new InMemorySpanExporter()]
    await using telemetry = await startTelemetry({ prometheus: { port: 0 }, keep: { ratio: 0, slowPerSecond: 0 }, spanExporters })
    const planner = agentInfo({ stage: 'planning' })
    const decide = (debug: boolean, tookMs: number) => {
      const trace = telemetry.startTrace('camera frame', {}, { debug })
      const context = telemetry.core.onTransitionStart!(startOf({ agent: planner, trace }))
      telemetry.core.onTransitionEnd!(endOf({ agent: planner, trace, context, endedAtMs: 100 + tookMs }))
      return trace
    }
    const kept = decide(true, 30)
    decide(false, 40)
    decide(false, 300)
    const get = async (accept: string) => {
      const response = await fetch(telemetry.prometheus!.url, { headers: { accept } })
      return { type: response.headers.get('content-type'), text: await response.text() }
    }
    const open = await get('application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5')
    assert.is(open.type, 'application/openmetrics-text; version=1.0.0; charset=utf-8')
    const exemplars = open.text.split('\n').filter((line) => line.startsWith('planning_latency') && line.includes(' # '))
    assert.is(exemplars.length, 1, open.text)
    assert.match(exemplars[0]!, new RegExp(`le="0.05"\\} 2 # \\{trace_id="${kept.traceId}",span_id="[0-9a-f]{16}"\\} 0.03$`))
    for (const accept of ['text/plain', '*/*', 'application/openmetrics-text;q=0']) assert.not.match((await get(accept)).text, / # \{|EOF/)
  }))

test('systems with the same ids have series of their own, up to a bound', () =>
  withEnvironment({}, async () => {
    await using telemetry = await startTelemetry({ prometheus: { port: 0 } })
    telemetry.forSystem('left').onRestart!(agentInfo(), 1, 'checkpoint')
    telemetry.forSystem('right').onRestart!(agentInfo(), 1, 'checkpoint')
    assert.is(telemetry.forSystem('left'), telemetry.forSystem('left'))
    for (let i = 0; i < 100; i++) telemetry.forSystem(`s${i}`).onRestart!(agentInfo(), 1, 'checkpoint')
    const text = await (await fetch(telemetry.prometheus!.url)).text()
    assert.match(text, /^agent_restarts_total\{system="left",agent_type="robot",agent_id="r1"\} 1$/m)
    assert.match(text, /^agent_restarts_total\{system="right",agent_type="robot",agent_id="r1"\} 1$/m)
    assert.match(text, /^agent_restarts_total\{system="other",agent_type="robot",agent_id="r1"\} 38$/m)
    assert.throws(() => telemetry.forSystem(''), /system is ""/)
  }))

test('a gauge that is no longer observed is no longer shown', () =>
  withEnvironment({}, async () => {
    await using telemetry = await startTelemetry({ prometheus: { port: 0 } })
    const scrape = async () => (await fetch(telemetry.prometheus!.url)).text()
    const remove = telemetry.observeAge(() => [{ map: 'parts', ageMs: 20 }])
    telemetry.recordTaskAssignment(1)
    assert.match(await scrape(), /map_stale_age_seconds\{/)
    remove()
    const text = await scrape()
    assert.not.match(text, /map_stale_age_seconds\{/)
    assert.match(text, /task_assignment_latency_seconds_count 1/)
  }))

test('it answers only where and how it should', () =>
  withEnvironment({}, async () => {
    await using telemetry = await startTelemetry({ prometheus: { port: 0 } })
    const { url, host, port } = telemetry.prometheus!
    assert.is(url, `http://127.0.0.1:${port}/metrics`)
    assert.is(host, '127.0.0.1')
    assert.is((await fetch(`${url}?x=1`)).status, 200)
    assert.is((await fetch(new URL('/', url))).status, 404)
    assert.is((await fetch(url, { method: 'POST', body: 'x' })).status, 405)
    assert.is((await fetch(url, { method: 'HEAD' })).status, 200)
  }))

test('a port in use is said with host and port, and leaves nothing open', () =>
  withEnvironment({}, async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const servers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'TCPServerWrap').length
    const before = servers()
    try {
      await startTelemetry({ prometheus: { port } })
      assert.unreachable()
    } catch (error) {
      assert.ok(isTelemetryError(error, 'PORT_IN_USE'), String(error))
      assert.ok((error as Error).message.includes(`127.0.0.1:${port}`))
    }
    // A closed handle is gone some turns of the loop later.
    for (let turn = 0; turn < 100 && servers() > before; turn++) await new Promise(setImmediate)
    assert.is(servers(), before)
    server.close()
    await once(server, 'close')
  }))

test('an address that is not here cannot be listened on', () =>
  withEnvironment({}, async () => {
    try {
      await startTelemetry({ prometheus: { port: 0, host: '192.0.2.1' } })
      assert.unreachable()
    } catch (error) {
      assert.ok(isTelemetryError(error, 'LISTEN_FAILED'), String(error))
    }
  }))

test('after close nobody listens, also not for a connection kept alive', () =>
  withEnvironment({}, async () => {
    const telemetry = await startTelemetry({ prometheus: { port: 0 } })
    const { url } = telemetry.prometheus!
    await (await fetch(url)).text()
    await telemetry.close()
    try {
      await fetch(url)
      assert.unreachable()
    } catch (error) {
      assert.is((error as { cause?: { code?: string } }).cause?.code, 'ECONNREFUSED')
    }
  }))

test('a client that sends half a request does not hold the close', () =>
  withEnvironment({}, async () => {
    const telemetry = await startTelemetry({ prometheus: { port: 0 }, closeTimeoutMs: 60_000 })
    const socket = connect(telemetry.prometheus!.port, '127.0.0.1')
    await once(socket, 'connect')
    const ended = once(socket, 'close')
    socket.on('error', () => {})
    socket.write('GET /metrics HTTP/1.1\r\nhost: x\r\n')
    // Until the server has the connection, or it would be refused instead of ended.
    await (await fetch(telemetry.prometheus!.url)).text()
    await telemetry.close()
    await ended
  }))

test('the environment can ask for it', () =>
  withEnvironment({ OTEL_METRICS_EXPORTER: 'prometheus', OTEL_EXPORTER_PROMETHEUS_HOST: 'localhost' }, async () => {
    await using telemetry = await startTelemetry({ prometheus: { port: 0 } })
    assert.is(telemetry.prometheus!.host, 'localhost')
    await using without = await startTelemetry({ prometheus: false })
    assert.is(without.prometheus, undefined)
  }))

test.run()
