import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import type * as HttpModule from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { context, propagation, ROOT_CONTEXT, SpanKind, trace, type TracerProvider } from '@opentelemetry/api'
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici'
import { InMemorySpanExporter, type ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { createSystem } from '@stigmergy/core'
import { openGrid } from '@stigmergy/grid'
import { isTelemetryError } from '@stigmergy/telemetry'
import { startTelemetry, type StartTelemetryOptions } from '@stigmergy/telemetry/node'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { agentContextManager } from '../src/node/agent-context.ts'
import { Current } from '../src/current.ts'
import { withEnvironment } from './support/environment.ts'
import { openFlight } from './support/flight.ts'
import { ofHttp } from './support/of-http.ts'
import { agentInfo } from './support/transitions.ts'
import { setup } from './support/xstate.ts'

const test = suite('instrumentation')
/** The module as an instrumentation patches it: when it is asked for after the instrumentation was made. */
const loadHttp = () => createRequire(import.meta.url)('node:http') as typeof HttpModule

/** What agents call: answers with the status in the path. */
async function callee() {
  const { createServer } = loadHttp()
  const heard: HttpModule.IncomingHttpHeaders[] = []
  const server = createServer((request, response) => {
    heard.push(request.headers)
    response.writeHead(Number(request.url?.slice(1)) || 200).end('ok')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, heard, close: async () => (server.closeAllConnections(), server.close(), once(server, 'close')) }
}

/** Runs one action of an agent, and gives the spans and the trace it belongs to. */
async function act(action: () => Promise<unknown>, over: Partial<StartTelemetryOptions> = {}) {
  const exporter = new InMemorySpanExporter()
  const grid = await openGrid()
  const telemetry = await startTelemetry({ grid, keep: 'all', spanExporters: [exporter], ...over })
  const system = createSystem({ grid, hooks: telemetry.core })
  let done: Promise<unknown> = Promise.resolve()
  const begun = new Promise<void>((resolve) => {
    const actions = (): void => {
      done = action()
      resolve()
    }
    const robot = setup({}).createMachine({ id: 'robot', initial: 'a', states: { a: { on: { go: { actions } } } } })
    void system.spawn(robot, { id: 'r1' }).then(() => system.send('r1', { type: 'go' }, { trace: telemetry.startTrace('camera frame') }))
  })
  await begun
  await done
  // The span of a request ends with its response, some turns of the loop later.
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  await telemetry.flush()
  const spans: readonly ReadableSpan[] = [...exporter.getFinishedSpans()]
  await system.close()
  await telemetry.close()
  await grid.close()
  const named = (name: string) => spans.find((span) => span.name.startsWith(name))
  return { spans, named, telemetry }
}

const get = (url: string): Promise<unknown> =>
  new Promise((resolve, reject) => {
    loadHttp()
      .get(url, (response) => response.resume().once('end', resolve))
      .once('error', reject)
  })

test('requests of an agent are spans under its transition, and carry the trace on', () =>
  withEnvironment({}, async () => {
    const instrumentations = [new UndiciInstrumentation(), ofHttp]
    const server = await callee()
    const calls = () => Promise.all([fetch(`${server.url}/200`).then((response) => response.text()), get(`${server.url}/201`)])
    const { spans, named } = await act(calls, { instrumentations })
    const robot = named('robot')!
    const requests = spans.filter((span) => span.name.startsWith('GET') && span.kind === SpanKind.CLIENT)
    assert.is(requests.length, 2, spans.map(({ name }) => name).join())
    for (const request of requests) {
      assert.is(request.parentSpanContext?.spanId, robot.spanContext().spanId)
      assert.is(request.spanContext().traceId, robot.spanContext().traceId)
    }
    const told = server.heard.map(({ traceparent }) => traceparent).toSorted()
    assert.equal(told, requests.map((span) => `00-${span.spanContext().traceId}-${span.spanContext().spanId}-01`).toSorted())
    // What served them is in the same process here: its spans are children of the requests.
    const served = spans.filter(({ kind }) => kind === SpanKind.SERVER)
    assert.equal(
      served.map((span) => span.parentSpanContext?.spanId).toSorted(),
      requests.map((span) => span.spanContext().spanId).toSorted(),
    )
    await server.close()
  }))

test('they wait with their trace: a request that failed keeps it, whole; one that did not is not told', () =>
  withEnvironment({}, async () => {
    const server = await callee()
    const ask = (status: number) =>
      act(() => fetch(`${server.url}/${status}`), { instrumentations: [new UndiciInstrumentation()], keep: { ratio: 0 } })
    assert.equal((await ask(200)).spans.length, 0)
    assert.equal(
      (await ask(500)).spans.map(({ name }) => name),
      ['camera frame', 'robot a -> a', 'GET'],
    )
    await server.close()
  }))

test('after an await only with asyncContext, which alone enters AsyncLocalStorage', () =>
  withEnvironment({}, async () => {
    const server = await callee()
    const prototype = AsyncLocalStorage.prototype as unknown as { _enable?: () => void }
    const original = prototype._enable
    let entered = 0
    prototype._enable = function (this: object) {
      entered += 1
      original?.call(this)
    }
    try {
      const late = async (): Promise<unknown> => {
        await new Promise(setImmediate)
        return (await fetch(`${server.url}/200`)).text()
      }
      const instrumentations = () => [new UndiciInstrumentation()]
      assert.is((await act(late)).spans.length, 2)
      assert.is((await act(late, { instrumentations: instrumentations() })).spans.length, 2)
      assert.is(entered, 0)
      const { named } = await act(late, { instrumentations: instrumentations(), asyncContext: true })
      assert.is(named('GET')?.parentSpanContext?.spanId, named('robot')!.spanContext().spanId)
      assert.ok(entered > 0 || original === undefined)
    } finally {
      if (original !== undefined) prototype._enable = original
    }
    await server.close()
  }))

test('a request that is served begins a trace for who is told of it', () =>
  withEnvironment({}, async () => {
    const exporter = new InMemorySpanExporter()
    const telemetry = await startTelemetry({ keep: 'all', spanExporters: [exporter], instrumentations: [ofHttp] })
    let active: unknown
    const server = loadHttp()
      .createServer((_, response) => {
        active = telemetry.activeTrace()
        response.end()
      })
      .listen(0, '127.0.0.1')
    await once(server, 'listening')
    await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
    await telemetry.flush()
    const [served] = exporter.getFinishedSpans()
    const { traceId, spanId } = served!.spanContext()
    assert.equal(active, { traceId, spanId, traceFlags: 1 })
    await telemetry.close()
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
    assert.is(telemetry.activeTrace(), undefined)
  }))

test('a scrape of our own endpoint is no trace', () =>
  withEnvironment({}, async () => {
    const exporter = new InMemorySpanExporter()
    const telemetry = await startTelemetry({ keep: 'all', spanExporters: [exporter], instrumentations: [ofHttp], prometheus: { port: 0 } })
    const server = await callee()
    await fetch(server.url)
    await server.close()
    for (let scrape = 0; scrape < 3; scrape++) assert.is((await fetch(telemetry.prometheus!.url)).status, 200)
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
    await telemetry.flush()
    // That of the other server.
    assert.is(exporter.getFinishedSpans().length, 1)
    await telemetry.close()
  }))

test('what goes along with a request is as OTEL_PROPAGATORS says, and as OpenTelemetry does without it', async () => {
  const sent = async (propagators: string): Promise<unknown> =>
    withEnvironment({ OTEL_PROPAGATORS: propagators }, async () => {
      const telemetry = await startTelemetry({ instrumentations: [] })
      const headers: Record<string, string> = {}
      const span = trace.setSpanContext(ROOT_CONTEXT, { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 })
      propagation.inject(propagation.setBaggage(span, propagation.createBaggage({ order: { value: '7' } })), headers)
      await telemetry.close()
      return headers
    })
  const [traceparent, baggage] = [`00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, 'order=7']
  assert.equal(await sent(''), { traceparent, baggage })
  assert.equal(await sent('TraceContext, tracecontext'), { traceparent })
  assert.equal(await sent('baggage'), { baggage })
  assert.equal(await sent('none'), {})
  assert.equal(await sent('tracecontext,none'), {})
  await withEnvironment({ OTEL_PROPAGATORS: 'tracecontext,b3' }, async () => {
    const error = await startTelemetry({ instrumentations: [] }).catch((reason: unknown) => reason)
    assert.ok(isTelemetryError(error, 'BAD_OPTION') && error.message.includes('OTEL_PROPAGATORS is or holds "b3"'), String(error))
    // Who sends nothing along is not kept from starting: the variable is for all processes of a cluster.
    await (await startTelemetry()).close()
    assert.ok(context.setGlobalContextManager(agentContextManager(new Current())), 'nothing is left behind')
    context.disable()
  })
})

test('an OpenTelemetry set-up that is there already is not taken over, and nothing is left behind', () =>
  withEnvironment({}, async () => {
    const theirs = agentContextManager(new Current())
    context.setGlobalContextManager(theirs)
    try {
      const error = await startTelemetry({ instrumentations: [] }).catch((reason: unknown) => reason)
      assert.ok(isTelemetryError(error, 'BAD_OPTION') && error.message.includes('global context'), String(error))
    } finally {
      context.disable()
    }
    for (const [options, message] of [
      [{ instrumentations: [], recorder: false }, 'recorder is false'],
      [{ instrumentations: 5 }, 'instrumentations is or holds 5'],
    ] as const) {
      const error = await startTelemetry(options as unknown as StartTelemetryOptions).catch((reason: unknown) => reason)
      assert.ok(isTelemetryError(error, 'BAD_OPTION') && error.message.includes(message), String(error))
    }
    await (await startTelemetry({ instrumentations: [] })).close()
    assert.ok(context.setGlobalContextManager(theirs))
    context.disable()
  }))

test('the innermost of transition and context is the active one', () => {
  const current = new Current()
  const manager = agentContextManager(current)
  const span = (n: number) => ({ traceId: String(n).padStart(32, '0'), spanId: String(n).padStart(16, '0'), traceFlags: 1 })
  const active = (): string | undefined => trace.getSpanContext(manager.active())?.spanId
  const ids = [1, 2, 3].map((n) => span(n).spanId)
  assert.is(active(), undefined)
  current.begin(agentInfo(), span(1))
  const [first, third] = [span(1), span(3)]
  manager.with(trace.setSpanContext(manager.active(), third), () => {
    assert.is(active(), ids[2])
    current.begin(agentInfo({ id: 'inner' }), span(2))
    assert.is(active(), ids[1])
  })
  assert.is(active(), ids[1])
  assert.is(first.spanId, ids[0])
  const later = manager.bind(trace.setSpanContext(manager.active(), third), active)
  assert.is(later(), ids[2])
  assert.equal(manager.bind(manager.active(), { an: 'emitter' }), { an: 'emitter' })
  manager.disable()
})

/** How many of a hundred requests that come in are told, and of how many the next process hears that they are; then those that go out. */
async function requestsOf(sampler: string, traceFlags: number | undefined): Promise<readonly (number | boolean)[]> {
  const variables = { OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: '0.5' }
  return withEnvironment(variables, async () => {
    const exporter = new InMemorySpanExporter()
    let provider: TracerProvider | undefined
    const instrumentation = { setTracerProvider: (given: TracerProvider) => void (provider = given), enable() {}, disable() {} }
    const telemetry = await startTelemetry({ spanExporters: [exporter], instrumentations: [instrumentation], random: () => 0.3 })
    const ends = (kind: SpanKind): number => {
      let said = 0
      for (let i = 0; i < 100; i++) {
        const traceId = `${'a'.repeat(24)}${(i * 42_949_673).toString(16).padStart(8, '0')}`
        const parent = traceFlags === undefined ? undefined : { traceId, spanId: 'b'.repeat(16), traceFlags, isRemote: true }
        const span = provider!.getTracer('http').startSpan('GET', { kind }, parent && trace.setSpanContext(ROOT_CONTEXT, parent))
        said += span.spanContext().traceFlags & 1
        span.end()
      }
      return said
    }
    const said = ends(SpanKind.SERVER)
    await telemetry.flush()
    const told = exporter.getFinishedSpans().length
    const out = ends(SpanKind.CLIENT)
    await telemetry.close()
    return [told, told === said, out]
  })
}

test('a request that comes in follows its caller, or the sampler alone; nobody is told what is not so', async () => {
  assert.equal(await requestsOf('parentbased_always_on', 0), [0, true, 0])
  assert.equal(await requestsOf('parentbased_always_off', 1), [100, true, 100])
  assert.equal(await requestsOf('always_on', 0), [100, true, 100])
  assert.equal(await requestsOf('traceidratio', 0), [50, true, 50])
  assert.equal(await requestsOf('traceidratio', 1), [50, true, 50])
  assert.equal(await requestsOf('always_on', undefined), [100, true, 0])
  const [told, same, out] = await requestsOf('parentbased_traceidratio', undefined)
  assert.ok(Number(told) > 25 && Number(told) < 75, String(told))
  assert.equal([same, out], [true, 0])
})

test('a request that its caller did not sample is told where a rule keeps it, and calls on unsampled', async () =>
  withEnvironment({}, async () => {
    const exporter = new InMemorySpanExporter()
    let provider: TracerProvider | undefined
    const instrumentation = { setTracerProvider: (given: TracerProvider) => void (provider = given), enable() {}, disable() {} }
    const telemetry = await startTelemetry({ keep: 'all', spanExporters: [exporter], instrumentations: [instrumentation] })
    const parent = trace.setSpanContext(ROOT_CONTEXT, { traceId: 'c'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 0, isRemote: true })
    const tracer = provider!.getTracer('http')
    const server = tracer.startSpan('POST', { kind: SpanKind.SERVER }, parent)
    const call = tracer.startSpan('GET', { kind: SpanKind.CLIENT }, trace.setSpan(ROOT_CONTEXT, server))
    assert.is(call.spanContext().traceFlags, 0)
    call.end()
    await telemetry.flush()
    assert.is(exporter.getFinishedSpans().length, 0)
    server.setStatus({ code: 2 })
    server.end()
    await telemetry.flush()
    const told = exporter.getFinishedSpans()
    assert.equal(told.map(({ name }) => name).toSorted(), ['GET', 'POST'])
    assert.equal([...new Set(told.map((span) => span.spanContext().traceId))], ['c'.repeat(32)])
    assert.ok(told.every(({ duration, ended: over }) => over && duration.length === 2))
    await telemetry.close()
  }))

test('spans of instrumentations are bounded: the oldest goes, and its trace says that it lacks one', () => {
  const { recorder, flight, spans } = openFlight({ keep: { ratio: 0 } })
  const guest = (traceId: string, n: number, failed = false): void =>
    recorder.guest({ traceId, spanId: recorder.ids.spanText(n), parentId: undefined, name: 'GET', tookMs: 1, failed, span: { n } })
  const first = recorder.root('camera frame', {}, 0, 0)
  guest(first.traceId, 1)
  for (let i = 0; i < 8192; i++) guest(recorder.start(undefined).traceId, 10 + i)
  recorder.keep(first, 2)
  assert.is(spans().length, 1)
  assert.is(flight.counts.incomplete, 1)
  guest('no id', 1)
})

test.run()
