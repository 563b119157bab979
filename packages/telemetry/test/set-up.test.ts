import { ExportResultCode } from '@opentelemetry/core'
import type { SpanExporter } from '@opentelemetry/sdk-trace-base'
import { createSystem } from '@stigmergy/core'
import { createVirtualClock, openGrid } from '@stigmergy/grid'
import { isTelemetryError, readFlight } from '@stigmergy/telemetry'
import { startTelemetry, type StartTelemetryOptions } from '@stigmergy/telemetry/node'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withEnvironment } from './support/environment.ts'
import { agentInfo } from './support/transitions.ts'
import { setup } from './support/xstate.ts'

const test = suite('set-up')
const quiet = { otlp: false, prometheus: false, warn: () => {} } as const

function counting() {
  const count = { spans: 0 }
  const exporter: SpanExporter = {
    export(spans, done) {
      count.spans += spans.length
      done({ code: ExportResultCode.SUCCESS })
    },
    shutdown: async () => {},
  }
  return { exporter, count }
}

const failure = async (options: StartTelemetryOptions): Promise<Error> =>
  startTelemetry(options).then(
    () => assert.unreachable('it started') as never,
    (error: unknown) => error as Error,
  )

test('disabled starts, whatever the other variables say', async () => {
  for (const variables of [
    { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' },
    { OTEL_TRACES_EXPORTER: 'console' },
  ] as const) {
    await withEnvironment({ ...variables, OTEL_SDK_DISABLED: 'true' }, async () => {
      const telemetry = await startTelemetry()
      assert.is(telemetry.memory, undefined)
      await telemetry.close()
    })
  }
})

test('always_off lets no span out, of whatever trace; a share in code comes first', async () => {
  const exported = async (sampler: string, options: StartTelemetryOptions = {}, traceFlags = 1): Promise<number> =>
    withEnvironment({ OTEL_TRACES_SAMPLER: sampler }, async () => {
      const { exporter, count } = counting()
      const telemetry = await startTelemetry({ ...quiet, spanExporters: [exporter], ...options })
      const { transitions } = telemetry.core
      const parent = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags }
      const none: ReadonlySet<string> = new Set()
      const agent = agentInfo()
      const context = transitions!.start(agent, 'go', parent, 1, 1, 0)
      transitions!.end(agent, 'go', parent, 1, 1, 0, 2, 'a', 'b', none, none, new Error('x'), context)
      await telemetry.close()
      return count.spans
    })
  assert.is(await exported('always_off'), 0)
  assert.is(await exported('parentbased_always_off'), 1)
  assert.is(await exported('always_off', { recorder: { headRatio: 1 } }), 1)
  // Those with `parentbased_` follow whoever began the trace, the others do not.
  const unsampled = (sampler: string, options: StartTelemetryOptions = {}) => exported(sampler, options, 0)
  assert.is(await unsampled('always_on'), 1)
  assert.is(await unsampled('traceidratio'), 1)
  assert.is(await unsampled('parentbased_always_on'), 0)
  assert.is(await unsampled('parentbased_traceidratio'), 0)
  assert.is(await unsampled('always_on', { recorder: { parentBased: true } }), 0)
  assert.is(await unsampled('always_on', { recorder: { headRatio: 1 } }), 0)
})

test('a thread that exports is not begun where there is no place for spans: no exemplar leads to one', async () => {
  const telemetry = await startTelemetry({ ...quiet, prometheus: { port: 0 }, keep: 'all', exportThread: true })
  const { transitions } = telemetry.core
  const agent = agentInfo({ stage: 'planning' })
  const none: ReadonlySet<string> = new Set()
  const context = transitions!.start(agent, 'go', undefined, 1, 1, 0)
  transitions!.end(agent, 'go', undefined, 1, 1, 0, 2, 'a', 'b', none, none, undefined, context)
  const answer = await fetch(telemetry.prometheus!.url, { headers: { accept: 'application/openmetrics-text' } })
  assert.not.match(await answer.text(), /trace_id/)
  await telemetry.close()
})

test('a heap snapshot counts the agents of all systems', async () => {
  const telemetry = await startTelemetry(quiet)
  for (let i = 0; i < 5; i++) telemetry.forSystem('left').onSpawn?.(agentInfo({ id: `l${i}`, type: 'x' }))
  telemetry.forSystem('right').onSpawn?.(agentInfo({ id: 'r', type: 'x' }))
  const folder = await mkdtemp(join(tmpdir(), 'stigmergy-'))
  const { agents } = await telemetry.heapSnapshot(join(folder, 'a.heapsnapshot'))
  await rm(folder, { recursive: true })
  await telemetry.close()
  assert.equal(agents, { x: 6 })
})

test('a start that fails leaves no hook behind, and says which part failed and how', async () => {
  await using grid = await openGrid()
  let used = 0
  const watched = new Proxy(grid, {
    get(target, name) {
      if (name === 'use') {
        return (hooks: Parameters<typeof grid.use>[0]) => {
          used += 1
          const end = target.use(hooks)
          return () => {
            used -= 1
            end()
          }
        }
      }
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
  const system = {
    use(): () => void {
      throw new Error('mine')
    },
  }
  const error = await failure({ ...quiet, grid: watched, system })
  assert.ok(isTelemetryError(error, 'BAD_OPTION') && error.message.includes('mine'))
  assert.is(used, 0)
})

test('an instrumentation that throws keeps no other enabled, and is named', async () => {
  const enabled = new Set<string>()
  const instrumentation = (name: string, fails: '' | 'enable' | 'disable') => ({
    setTracerProvider() {},
    enable() {
      if (fails === 'enable') throw new Error('e enable')
      enabled.add(name)
    },
    disable() {
      if (fails !== '') throw new Error('e disable')
      enabled.delete(name)
    },
  })
  const telemetry = await startTelemetry({ ...quiet, instrumentations: [instrumentation('a', 'disable'), instrumentation('b', '')] })
  assert.is(enabled.size, 2)
  await telemetry.close()
  assert.equal([...enabled], ['a'])
  const error = await failure({ ...quiet, instrumentations: [instrumentation('c', 'enable'), instrumentation('d', '')] })
  assert.ok(isTelemetryError(error, 'BAD_OPTION'))
  assert.match(error.message, /instrumentations .*e enable/)
})

test('after the close a system that still has the hooks is not observed, and no trace begins', async () => {
  const clock = createVirtualClock()
  await using grid = await openGrid({ clock })
  const telemetry = await startTelemetry({ ...quiet, clock, keep: 'all' })
  const system = createSystem({ grid, hooks: telemetry.core })
  const robot = setup({}).createMachine({ id: 'robot', initial: 'a', states: { a: { on: { go: {} } } } })
  await system.spawn(robot, { id: 'r1' })
  const records = (): number => readFlight(telemetry.memory!).read(0).records.length
  system.send('r1', { type: 'go' })
  await clock.advance(10)
  const before = records()
  await telemetry.close()
  for (let i = 0; i < 10; i++) system.send('r1', { type: 'go' })
  await clock.advance(10)
  telemetry.core.onFailure?.({ agent: agentInfo(), error: new Error('x'), event: 'go', trace: undefined, decision: { type: 'stop' } })
  assert.match(telemetry.startTrace('reading').traceId, /^0+$/)
  assert.ok(before > 0)
  assert.is(records(), before)
  assert.is(system.guestErrors, 0)
  await system.close()
})

test.run()
