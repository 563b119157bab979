import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici'
import { createVirtualClock } from '@stigmergy/grid'
import { isTelemetryError } from '@stigmergy/telemetry'
import { startTelemetry, type StartTelemetryOptions, type Telemetry } from '@stigmergy/telemetry/node'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { collector } from './support/collector.ts'
import { withEnvironment } from './support/environment.ts'
import { dig } from './support/protobuf.ts'
import { seeded } from './support/seeded.ts'
import { endOf, startOf } from './support/transitions.ts'

const test = suite('export thread')

/** A pipeline with all a span may have: a plan, links, a failure, attributes, more spans than the bound. */
function work(telemetry: Telemetry): void {
  const roots = ['left', 'right'].map((side) => telemetry.startTrace('camera frame', { side, sizes: [1, 2], odd: (() => {}) as never }))
  const [first, second] = roots as [(typeof roots)[0], (typeof roots)[0]]
  for (const error of [undefined, new TypeError('jam'), { toString: () => 'thrown' }]) {
    const context = telemetry.core.onTransitionStart!(startOf({ trace: first }))!
    telemetry.link(context, [second])
    telemetry.plan(context, 'plan-7')
    telemetry.core.onTransitionEnd!(endOf({ trace: first, context, error }))
    if (error !== undefined) {
      const decision = { type: 'restart', delayMs: 10, restarts: 1 } as const
      telemetry.core.onFailure!({ ...endOf(), error, trace: context, decision })
    }
  }
  for (let i = 0; i < 5; i++) {
    telemetry.core.onTransitionEnd!(endOf({ context: telemetry.core.onTransitionStart!(startOf({ trace: second })) }))
  }
}

/** The bodies that arrive at a collector for that work. */
async function bodies(more: StartTelemetryOptions): Promise<readonly Uint8Array[]> {
  const { url, posts, close } = await collector()
  const telemetry = await startTelemetry({
    otlp: { endpoint: url },
    keep: 'all',
    clock: createVirtualClock({ wallStartMs: 1_700_000_000_000 }),
    random: seeded(7),
    region: 'eu',
    genAi: true,
    recorder: { maxSpansPerTrace: 5 },
    closeTimeoutMs: 20_000,
    ...more,
  })
  work(telemetry)
  await telemetry.flush()
  await telemetry.close()
  assert.equal([telemetry.tally.dropped.span > 0, telemetry.tally.exportFailures.traces], [true, 0], 'those over the bound are counted')
  await close()
  return posts.filter(({ path }) => path === '/v1/traces').map(({ body }) => body)
}

test('a thread sends, byte for byte, what this one would', () =>
  withEnvironment({}, async () => {
    const sent: Buffer[] = []
    // In a loop, as the stacks of errors say where they were made.
    for (const exportThread of [false, true]) sent.push(Buffer.concat(await bodies({ exportThread })))
    const [here, there] = sent as [Buffer, Buffer]
    assert.is(dig(here, 1, 2, 2).length, 12)
    assert.match(here.toString('latin1'), /trace truncated/)
    assert.ok(here.equals(there), 'other bytes')
  }))

/** A module of exporters, in a folder where they leave word. */
async function withModule(text: string, use: (module: string, folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'stigmergy-thread-'))
  const module = join(folder, 'exporters.mjs')
  await writeFile(
    module,
    `import { appendFileSync, existsSync } from 'node:fs'\nconst file = (name) => ${JSON.stringify(`${folder}/`)} + name\n${text}`,
  )
  try {
    await use(module, folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function transitions(telemetry: Telemetry, count: number): void {
  for (let i = 0; i < count; i++) telemetry.core.onTransitionEnd!(endOf({ context: telemetry.core.onTransitionStart!(startOf()) }))
}

/** Stands still in its export until a file is there, which only a thread that does not wait for it can write. */
const BLOCKED = `export const spanExporters = [{
  export(spans, done) {
    appendFileSync(file('began'), 'x')
    const cell = new Int32Array(new SharedArrayBuffer(4))
    while (!existsSync(file('go on'))) Atomics.wait(cell, 0, 0, 5)
    appendFileSync(file('spans'), spans.map(({ name }) => name + '\\n').join(''))
    done({ code: 0 })
  },
  shutdown: async () => {},
}]`

test('an exporter that holds its thread holds no agent', () =>
  withEnvironment({}, () =>
    withModule(BLOCKED, async (module, folder) => {
      const telemetry = await startTelemetry({ keep: 'all', exportThread: { module }, closeTimeoutMs: 20_000 })
      transitions(telemetry, 100)
      const flushed = telemetry.flush()
      // Turns of the event loop, each of which an exporter here would not have let happen.
      while (!existsSync(join(folder, 'began'))) await new Promise(setImmediate)
      transitions(telemetry, 1000)
      await writeFile(join(folder, 'go on'), '')
      await flushed
      await telemetry.close()
      assert.is((await readFile(join(folder, 'spans'), 'utf8')).trim().split('\n').length, 1100)
      assert.is(telemetry.tally.dropped.span, 0)
    }),
  ))

test('an exporter that never comes back: what finds no room is counted, and close ends at its deadline', () =>
  withEnvironment({ OTEL_BSP_MAX_QUEUE_SIZE: '600' }, () =>
    withModule(BLOCKED, async (module, folder) => {
      const telemetry = await startTelemetry({ keep: 'all', exportThread: { module }, closeTimeoutMs: 400, warn: () => {} })
      transitions(telemetry, 500)
      void telemetry.flush()
      while (!existsSync(join(folder, 'began'))) await new Promise(setImmediate)
      transitions(telemetry, 50_000)
      await telemetry.close()
      assert.is(telemetry.tally.dropped.span, 50_500)
    }),
  ))

/** Writes down what it is given. */
const NAMES = `export const spanExporters = [{
  export(spans, done) {
    for (const span of spans) {
      const { traceId } = span.spanContext()
      const line = { name: span.name, traceId, parentId: span.parentSpanContext?.spanId, service: span.resource.attributes['service.name'] }
      appendFileSync(file('spans'), JSON.stringify(line) + '\\n')
    }
    done({ code: 0 })
  },
  shutdown: async () => {},
}]`

const BROKEN: Readonly<Record<string, string>> = {
  'a thread that crashes': `export const spanExporters = [{ export() { setImmediate(() => { throw new Error('out of\\nluck') }) }, shutdown: async () => {} }]`,
  'a thread that ends itself': `export const spanExporters = [{ export() { process.exit(3) }, shutdown: async () => {} }]`,
  'a module that does not load': `import 'no-such-package'`,
  'a module without exporters': `export const exporters = []`,
}

for (const [name, text] of Object.entries(BROKEN)) {
  test(`${name}: one line, counted, and spans go by OTLP from here`, () =>
    withEnvironment({ OTEL_METRICS_EXPORTER: 'none' }, () =>
      withModule(text, async (module) => {
        const { url, posts, close } = await collector()
        const lines: string[] = []
        let said: () => void = () => {}
        const ended = new Promise<void>((resolve) => (said = resolve))
        const telemetry = await startTelemetry({
          keep: 'all',
          otlp: { endpoint: url },
          exportThread: { module },
          closeTimeoutMs: 20_000,
          warn(line) {
            lines.push(line)
            said()
          },
        })
        transitions(telemetry, 10)
        void telemetry.flush()
        await ended
        assert.is(lines.length, 1)
        assert.match(
          lines[0]!,
          /^telemetry: the thread that exports spans ended \(.+\): they go by OTLP from this one; what the exporters of .+ would have got is counted as dropped$/,
        )
        assert.ok(telemetry.tally.exportFailures.traces >= 1)
        const before = posts.flatMap(({ body }) => dig(body, 1, 2, 2)).length
        transitions(telemetry, 10)
        await telemetry.close()
        const arrived = posts.flatMap(({ body }) => dig(body, 1, 2, 2)).length
        assert.is(arrived - before, 10)
        assert.ok(arrived + telemetry.tally.dropped.span >= 20, `${arrived} arrived, ${telemetry.tally.dropped.span} lost`)
        await close()
      }),
    ))
}

for (const [name, text] of Object.entries(BROKEN)) {
  test(`${name}, and nowhere else to send: every span after it is counted, and who warns may throw`, () =>
    withEnvironment({}, () =>
      withModule(text, async (module) => {
        const lines: string[] = []
        let said: () => void = () => {}
        const ended = new Promise<void>((resolve) => (said = resolve))
        const warn = (line: string): void => {
          lines.push(line)
          said()
          throw new Error('no screen')
        }
        const telemetry = await startTelemetry({ keep: 'all', exportThread: { module }, closeTimeoutMs: 20_000, warn })
        transitions(telemetry, 10)
        void telemetry.flush()
        await ended
        await telemetry.flush()
        const before = telemetry.tally.dropped.span
        assert.ok(before >= 10, String(before))
        transitions(telemetry, 3000)
        await telemetry.flush()
        assert.is(telemetry.tally.dropped.span - before, 3000)
        await telemetry.close()
        assert.is(lines.length, 1)
        assert.match(lines[0]!, /^telemetry: the thread that exports spans ended \(.+\): what the exporters of file:.+ counted as dropped$/)
      }),
    ))
}

test('spans of an instrumentation go through the thread, under the transition that called', () =>
  withEnvironment({}, () =>
    withModule(NAMES, async (module, folder) => {
      const server = createServer((_, response) => response.end('ok')).listen(0, '127.0.0.1')
      await once(server, 'listening')
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      const instrumentations = [new UndiciInstrumentation()]
      const telemetry = await startTelemetry({ keep: 'all', exportThread: { module }, instrumentations, closeTimeoutMs: 20_000 })
      const context = telemetry.core.onTransitionStart!(startOf({ trace: telemetry.startTrace('camera frame') }))!
      const called = fetch(url).then((response) => response.text())
      telemetry.core.onTransitionEnd!(endOf({ context }))
      await called
      // The span of a request ends with its response, some turns of the loop later.
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
      await telemetry.flush()
      await telemetry.close()
      const spans = (await readFile(join(folder, 'spans'), 'utf8'))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
      const request = spans.find(({ name }) => name === 'GET')
      assert.equal(
        [spans.length, request?.traceId, request?.parentId, request?.service, telemetry.tally.dropped.span],
        [3, context.traceId, context.spanId, 'stigmergy', 0],
      )
      server.closeAllConnections()
      server.close()
    }),
  ))

test('a module is an absolute path or a URL', async () => {
  for (const exportThread of ['yes', { module: './exporters.js' }, { module: 7 }, 0]) {
    const [result] = await Promise.allSettled([startTelemetry({ exportThread: exportThread as never })])
    assert.ok(result.status === 'rejected' && isTelemetryError(result.reason, 'BAD_OPTION'), JSON.stringify(exportThread))
    assert.match(String(result.reason), /exportThread is .*: give true or \{ module \}/)
  }
})

test.run()
