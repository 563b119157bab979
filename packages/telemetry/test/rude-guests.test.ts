import { ExportResultCode } from '@opentelemetry/core'
import type { SpanExporter } from '@opentelemetry/sdk-trace-base'
import { openGrid } from '@stigmergy/grid'
import { gridKeepPort, isTelemetryError, type KeepPort } from '@stigmergy/telemetry'
import { startTelemetry } from '@stigmergy/telemetry/node'
import { setImmediate as turn } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { guardExports } from '../src/node/export-guard.ts'

const test = suite('rude guests')
const taking: SpanExporter = { export: (_, done) => done({ code: ExportResultCode.SUCCESS }), shutdown: async () => {} }
const quiet = { otlp: false, prometheus: false, warn: () => {} } as const

test('an async export that rejects has failed', async () => {
  const failures: string[] = []
  const answers: number[] = []
  const send = (): Promise<never> => Promise.reject(new Error('refused'))
  const guard = guardExports<string>(send, { timeoutMs: 60_000, onFailure: ({ message }) => failures.push(message) })
  guard.export('x', ({ code }) => answers.push(code))
  await guard.settled()
  assert.equal([answers, failures], [[ExportResultCode.FAILED], ['refused']])
})

test('an async processor that rejects loses its span, counted', async () => {
  const rude = { onStart() {}, onEnd: async () => Promise.reject(new Error('mine')), async forceFlush() {}, async shutdown() {} }
  const telemetry = await startTelemetry({ ...quiet, keep: 'all', spanProcessors: [rude as never] })
  telemetry.startTrace('reading')
  await telemetry.flush()
  await turn()
  assert.is(telemetry.tally.dropped.span, 1)
  await telemetry.close()
})

test('a batch of no spans in the environment does not stand still for ever', async () => {
  process.env['OTEL_BSP_MAX_EXPORT_BATCH_SIZE'] = '0'
  let spans = 0
  const exporter = {
    export(given: readonly unknown[], done: (result: { readonly code: 0 }) => void) {
      spans += given.length
      done({ code: 0 })
    },
    async shutdown() {},
  }
  try {
    const telemetry = await startTelemetry({ ...quiet, keep: 'all', spanExporters: [exporter] })
    telemetry.startTrace('reading')
    await telemetry.close()
    assert.is(spans, 1)
  } finally {
    delete process.env['OTEL_BSP_MAX_EXPORT_BATCH_SIZE']
  }
})

test('a keep port whose end throws does not keep the rest from its end', async () => {
  const keepPort: KeepPort = {
    tell() {},
    listen: () => () => {
      throw new Error('end')
    },
  }
  const telemetry = await startTelemetry({ ...quiet, prometheus: { port: 0 }, keepPort })
  const url = telemetry.prometheus?.url ?? ''
  assert.ok((await fetch(url)).ok)
  await telemetry.close()
  assert.is(await fetch(url).then(Boolean, () => 'closed'), 'closed')
})

test('an async keep port that rejects: what it was told is counted as not told', async () => {
  const rejects = (): Promise<never> => Promise.reject(new Error('away'))
  const keepPort = { tell: rejects, listen: () => () => {}, tellSlices: rejects, listenSlices: () => () => {} }
  const telemetry = await startTelemetry({ ...quiet, keepPort: keepPort as unknown as KeepPort, spanExporters: [taking] })
  await turn()
  // The greeting.
  assert.is(telemetry.tally.dropped.decision, 1)
  telemetry.startTrace('reading', {}, { debug: true })
  await telemetry.flush()
  await turn()
  assert.is(telemetry.tally.dropped.decision, 3)
  await telemetry.close()
})

test('async readings tell nothing and are counted, whether they reject or not', async () => {
  const telemetry = await startTelemetry({ ...quiet, prometheus: { port: 0 } })
  const rejects = (() => Promise.reject(new Error('away'))) as unknown as () => []
  const resolves = (async () => [{ value: 1, ageMs: 1 }]) as unknown as () => []
  for (const readings of [rejects, resolves]) {
    telemetry.observe('journal_lag_records', readings)
    telemetry.observeAge(readings)
  }
  assert.ok((await fetch(telemetry.prometheus?.url ?? '')).ok)
  await turn()
  assert.is(telemetry.tally.dropped.reading, 4)
  await telemetry.close()
})

test('what others have written into the map of decisions keeps nobody from starting', async () => {
  await using grid = await openGrid()
  for (const [at, value] of [{ v: 2 }, null, 7, { traceId: 'x', reason: 1 }].entries())
    await grid.map<unknown>('telemetry.keep', { ttlMs: 30_000 }).put(`${at}`, value)
  const keepPort = gridKeepPort(grid)
  const telemetry = await startTelemetry({ ...quiet, keepPort })
  await telemetry.close()
  const heard: string[] = []
  const end = keepPort.listenSlices?.(({ traceId, process }) => heard.push(`${process} ${traceId}`))
  const good = { traceId: 'a'.repeat(32), process: 'p', spans: ['s'], needs: [] }
  await grid.topic<unknown>('telemetry.slices').publish([{ ...good, traceId: '' }, { ...good, spans: 7 }, null, good])
  await turn()
  end?.()
  assert.equal(heard, ['p ', `p ${good.traceId}`])
})

test('a signal that nobody can listen to is refused', async () => {
  for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
    const error: unknown = await startTelemetry({ ...quiet, profiling: { signal } }).catch((reason: unknown) => reason)
    assert.ok(isTelemetryError(error) && error.code === 'BAD_OPTION', String(error))
  }
})

test('a log with a field that cannot be read is counted, and throws into no agent', async () => {
  const lines: string[] = []
  const telemetry = await startTelemetry({ ...quiet, logs: { destination: { write: (line) => lines.push(line) } } })
  const rude = {
    get part(): never {
      throw new Error('mine')
    },
  }
  telemetry.logger.info(rude, 'lost')
  telemetry.logger.child({ part: 7 }).info('told')
  telemetry.logger.child(rude).warn('without its fields')
  telemetry.logger.child(null as unknown as object).warn('without fields')
  assert.equal(
    lines.map((line) => (JSON.parse(line) as { readonly msg: string }).msg),
    ['told', 'without its fields', 'without fields'],
  )
  assert.is(telemetry.tally.dropped.log, 3)
  await telemetry.close()
})

test('what is told of traces by mistake throws into no agent', async () => {
  const telemetry = await startTelemetry({ ...quiet, keep: 'all' })
  const ownKeys = (): never => {
    throw new Error('mine')
  }
  const rude = new Proxy({}, { ownKeys })
  const trace = telemetry.startTrace('reading', rude)
  telemetry.link(trace, undefined as unknown as [])
  telemetry.link(trace, [null, 5, {}] as unknown as [])
  telemetry.keep(null as unknown as undefined, 'drift')
  assert.match(trace.traceId, /^[0-9a-f]{32}$/)
  await telemetry.close()
})

test('instrumentations that are none, or that throw, leave the global context to others', async () => {
  const throwing = {
    setTracerProvider() {
      throw new Error('mine')
    },
    enable() {},
    disable() {},
  }
  for (const [instrumentation, message] of [
    [{}, /instrumentations is or holds/],
    [throwing, /mine/],
  ] as const) {
    const error: unknown = await startTelemetry({ ...quiet, instrumentations: [instrumentation as typeof throwing] }).catch(
      (e: unknown) => e,
    )
    assert.ok(isTelemetryError(error, 'BAD_OPTION') && message.test(error.message), String(error))
  }
  const working = { ...throwing, setTracerProvider() {} }
  const telemetry = await startTelemetry({ ...quiet, instrumentations: [working] })
  await telemetry.close()
})

test('a log that cannot be written is counted, and throws into no agent', async () => {
  const destinations = [
    () => {
      throw new Error('disk full')
    },
    () => Promise.reject(new Error('pipe closed')),
  ]
  for (const write of destinations) {
    const telemetry = await startTelemetry({ ...quiet, logs: { destination: { write: write as () => void } } })
    telemetry.logger.info('a line')
    await turn()
    assert.is(telemetry.tally.dropped.log, 1)
    await telemetry.close()
  }
})

test.run()
