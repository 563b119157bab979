import { ExportResultCode } from '@opentelemetry/core'
import { startTelemetry, type StartTelemetryOptions } from '@stigmergy/telemetry/node'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createOwedSpans } from '../src/node/thread/owed-spans.ts'
import { withEnvironment } from './support/environment.ts'
import { modules } from './support/module-of.ts'

const test = suite('lost with the thread')

const written = modules(test)
const moduleOf = (exporters: string): Promise<string> => written(`export const spanExporters = [${exporters}]`)
const FAILS = `{ export: (_, done) => done({ code: 1, error: new Error('503') }), shutdown: async () => {} }`
const WORKS = `{ export: (_, done) => done({ code: 0 }), shutdown: async () => {} }`

async function open(options: StartTelemetryOptions) {
  let said = (): void => {}
  const ended = new Promise<void>((resolve) => (said = resolve))
  const telemetry = await startTelemetry({
    keep: 'all',
    prometheus: { port: 0 },
    closeTimeoutMs: 20_000,
    warn: () => said(),
    ...options,
  })
  return {
    telemetry,
    ended,
    async read(name: string): Promise<number> {
      const text = await (await fetch(telemetry.prometheus!.url)).text()
      return Number(new RegExp(`^${name.replace(/[{}]/g, '\\$&')} (\\S+)$`, 'm').exec(text)?.[1])
    },
  }
}

/** Begins `count` traces of one span. */
const begin = ({ telemetry }: Pick<Awaited<ReturnType<typeof open>>, 'telemetry'>, count: number): void => {
  for (let i = 0; i < count; i++) telemetry.startTrace('reading')
}

test('a thread that ends takes traces with it that it had not exported: they are not whole, and no others', () =>
  withEnvironment({}, async () => {
    // The first exporter has them by then: the second does not.
    const dies = `{ n: 0, export(_, done) { if (this.n++ > 0) process.exit(3); done({ code: 0 }) }, shutdown: async () => {} }`
    const bench = await open({ exportThread: { module: await moduleOf(`${WORKS}, ${dies}`) } })
    begin(bench, 30)
    await bench.telemetry.flush()
    assert.equal([bench.telemetry.tally.dropped.span, await bench.read('telemetry_coherent_trace_ratio')], [0, 1])
    begin(bench, 10)
    void bench.telemetry.flush()
    await bench.ended
    assert.equal([bench.telemetry.tally.dropped.span, await bench.read('telemetry_coherent_trace_ratio')], [10, 0.75])
    await bench.telemetry.close()
    assert.is(bench.telemetry.tally.dropped.span, 10)
  }))

test('a thread that is given up at the end takes them too', () =>
  withEnvironment({}, async () => {
    const bench = await open({
      exportThread: { module: await moduleOf(`{ export() { for (;;); }, shutdown: async () => {} }`) },
      closeTimeoutMs: 200,
    })
    begin(bench, 10)
    await bench.telemetry.close()
    assert.is(bench.telemetry.tally.dropped.span, 10)
  }))

const failing = {
  export: (_: unknown, done: (result: { readonly code: ExportResultCode }) => void) => done({ code: ExportResultCode.FAILED }),
  shutdown: async () => {},
}
const WAYS: Readonly<Record<string, StartTelemetryOptions | (() => Promise<StartTelemetryOptions>)>> = {
  'on this thread': { spanExporters: [failing, failing] },
  'and a processor that throws': {
    spanExporters: [failing],
    spanProcessors: [
      {
        onStart() {},
        onEnd() {
          throw new Error('rude')
        },
        forceFlush: async () => {},
        shutdown: async () => {},
      },
    ],
  },
  'on its thread': async () => ({ exportThread: { module: await moduleOf(`${FAILS}, ${WORKS}, ${FAILS}`) } }),
}
for (const [name, options] of Object.entries(WAYS)) {
  test(`a span that two exporters lack is one span: ${name}`, () =>
    withEnvironment({}, async () => {
      const bench = await open(typeof options === 'function' ? await options() : options)
      begin(bench, 20)
      await bench.telemetry.flush()
      assert.is(await bench.read('telemetry_dropped_total{what="span"}'), 20)
      assert.is(await bench.read('telemetry_coherent_trace_ratio'), 0)
      await bench.telemetry.close()
      assert.is(bench.telemetry.tally.dropped.span, 20)
    }))
}

test('a span is owed until all are done with it, or one has lost it', () => {
  const spanOf = (): { spanContext: () => never } => ({ spanContext: () => ({}) as never })
  const owed = createOwedSpans(2)
  const [one, two] = [spanOf(), spanOf()]
  owed.add(one, 7)
  owed.add(two, 'a')
  owed.done([one])
  assert.equal(owed.take(), { settled: new Map(), lost: new Map() })
  owed.lost(two)
  owed.done([one, two])
  owed.lost(two)
  owed.unmade(7)
  assert.equal(owed.take(), {
    settled: new Map<number | string, number>([
      ['a', 1],
      [7, 2],
    ]),
    lost: new Map<number | string, number>([
      ['a', 1],
      [7, 1],
    ]),
  })
  const none = createOwedSpans(0)
  none.add(one, 8)
  assert.equal([...none.take().settled], [[8, 1]])
})

test.run()
