import { InMemorySpanExporter, type ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { createSystem } from '@stigmergy/core'
import { createVirtualClock, openGrid, type TraceContext } from '@stigmergy/grid'
import { gridKeepPort, telemetryHooks } from '@stigmergy/telemetry'
import { startTelemetry, type StartTelemetryOptions, type Telemetry } from '@stigmergy/telemetry/node'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withEnvironment } from './support/environment.ts'
import { memoryMeter, memoryTracer } from './support/otel.ts'
import { seeded } from './support/seeded.ts'
import { agentInfo } from './support/transitions.ts'
import { setup } from './support/xstate.ts'

const test = suite('retroactive sampling')
const none: ReadonlySet<string> = new Set()

/** A context as another process gets it. */
const over = ({ traceId, spanId, traceFlags }: TraceContext): TraceContext => Object.freeze({ traceId, spanId, traceFlags })

function step({ core }: Telemetry, type: string, trace: TraceContext, atMs: number, error?: unknown): TraceContext {
  const agent = agents[type] ?? agentInfo()
  const context = core.transitions!.start(agent, 'go', trace, atMs, atMs, 0)!
  core.transitions!.end(agent, 'go', trace, atMs, atMs, 0, atMs + 1, 'a', 'a', none, none, error, context)
  return context
}

const agents: Readonly<Record<string, ReturnType<typeof agentInfo>>> = Object.fromEntries(
  ['eye', 'planner', 'robot', 'arm'].map((type) => [type, agentInfo({ id: type, type })]),
)

function byTrace(spans: readonly ReadableSpan[]): Map<string, ReadableSpan[]> {
  const traces = new Map<string, ReadableSpan[]>()
  for (const span of spans) {
    const { traceId } = span.spanContext()
    traces.set(traceId, [...(traces.get(traceId) ?? []), span])
  }
  return traces
}

test('two processes: every faulty pipeline is there, whole, and few others', () =>
  withEnvironment({}, async () => {
    const clock = createVirtualClock()
    const grid = await openGrid({ clock })
    const open = async (seed: number) => {
      const exporter = new InMemorySpanExporter()
      const options: StartTelemetryOptions = {
        clock,
        spanExporters: [exporter],
        keep: { ratio: 0.005, slowPerSecond: 0 },
        random: seeded(seed),
      }
      return { exporter, telemetry: await startTelemetry({ ...options, keepPort: gridKeepPort(grid), prometheus: { port: 0 } }) }
    }
    const [cell, hall] = await Promise.all([open(1), open(2)])
    const random = seeded(3)
    const faulty = new Map<string, string>()
    const pipelines = 20_000
    for (let i = 0; i < pipelines; i++) {
      const at = i * 2
      const root = cell.telemetry.startTrace('camera frame')
      const seen = step(cell.telemetry, 'eye', root, at)
      const fault = random() < 0.01 ? (['planner', 'arm', 'drift'] as const)[Math.floor(random() * 3)] : undefined
      const planned = step(hall.telemetry, 'planner', over(seen), at, fault === 'planner' ? new Error('no plan') : undefined)
      const picked = step(cell.telemetry, 'robot', over(planned), at)
      const placed = step(hall.telemetry, 'arm', over(picked), at, fault === 'arm' ? new Error('dropped') : undefined)
      if (fault === 'drift') cell.telemetry.keep(picked, 'drift')
      if (fault !== undefined) faulty.set(root.traceId, placed.spanId)
      if (i % 100 === 99) {
        await clock.advance(200)
        await cell.telemetry.flush()
        await hall.telemetry.flush()
      }
    }
    await clock.advance(1)
    for (const { telemetry } of [cell, hall]) await telemetry.flush()
    const text = await (await fetch(hall.telemetry.prometheus!.url)).text()
    const told = [...cell.exporter.getFinishedSpans(), ...hall.exporter.getFinishedSpans()]
    const traces = byTrace(told)
    assert.ok(faulty.size > 150, String(faulty.size))
    for (const [traceId, last] of faulty) {
      const spans = traces.get(traceId) ?? []
      assert.is(spans.length, 5, `${traceId}: ${spans.map(({ name }) => name).join()}`)
      assert.ok(spans.some((span) => span.spanContext().spanId === last))
    }
    let whole = 0
    for (const spans of traces.values()) {
      const ids = new Set(spans.map((span) => span.spanContext().spanId))
      if (spans.length === 5 && spans.every(({ parentSpanContext: parent }) => parent === undefined || ids.has(parent.spanId))) whole += 1
    }
    assert.is(whole, traces.size, 'every exported trace is whole')
    assert.ok(traces.size / pipelines <= 0.02, `${traces.size} of ${pipelines} exported`)
    assert.equal(cell.telemetry.tally.dropped.span + hall.telemetry.tally.dropped.span, 0)
    assert.match(text, /^telemetry_coherent_trace_ratio 1$/m)
    assert.match(text, /^telemetry_traces_kept_total\{reason="error"\} \d+$/m)
    assert.match(text, /^telemetry_records_total 40000$/m)
    for (const { telemetry } of [cell, hall]) await telemetry.close()
    await grid.close()
  }))

test('a process that joins hears of the decisions that still stand', () =>
  withEnvironment({}, async () => {
    const grid = await openGrid({ clock: createVirtualClock() })
    const traceId = 'c'.repeat(32)
    void gridKeepPort(grid).tell([{ traceId, reason: 'violation' }])
    await Promise.resolve()
    const heard: string[] = []
    const end = gridKeepPort(grid).listen((decision) => heard.push(`${decision.traceId} ${decision.reason}`))
    void gridKeepPort(grid).tell([{ traceId: 'd'.repeat(32), reason: 'error' }])
    await Promise.resolve()
    end()
    void gridKeepPort(grid).tell([{ traceId: 'e'.repeat(32), reason: 'error' }])
    assert.equal(heard, [`${traceId} violation`, `${'d'.repeat(32)} error`])
    await grid.close()
    const errors: unknown[] = []
    const open = await openGrid()
    const port = gridKeepPort(open, { onError: (error) => errors.push(error) })
    await open.close()
    void port.tell([{ traceId, reason: 'error' }])
    await new Promise((resolve) => setImmediate(resolve))
    assert.is(errors.length, 1)
  }))

test('the recorder makes the spans that a tracer makes directly', () =>
  withEnvironment({}, async () => {
    const shape = (spans: readonly ReadableSpan[]) => {
      const names = new Map(spans.map((span) => [span.spanContext().spanId, span.name]))
      return spans
        .map(({ name, kind, attributes, status, startTime, endTime, events, parentSpanContext }) => {
          const { 'agent.keep.reason': _, ...own } = attributes
          const parent = parentSpanContext && names.get(parentSpanContext.spanId)
          return JSON.stringify([
            startTime,
            endTime,
            name,
            parent,
            kind,
            Object.entries(own).toSorted(),
            status,
            events.map((event) => event.name),
          ])
        })
        .toSorted()
    }
    const run = async (
      open: (grid: Awaited<ReturnType<typeof openGrid>>) => Promise<{ hooks: Telemetry; spans: () => Promise<readonly ReadableSpan[]> }>,
    ) => {
      const clock = createVirtualClock({ wallStartMs: 1_700_000_000_000 })
      const grid = await openGrid({ clock })
      const { hooks, spans } = await open(grid)
      const system = createSystem({ grid, hooks: hooks.core, random: () => 0.5 })
      const frames = grid.map<number>('frames')
      const parts = grid.map<number>('parts')
      let broken = false
      const robot = setup({}).createMachine({
        id: 'robot',
        initial: 'idle',
        states: {
          idle: {
            on: {
              'frames.put': {
                target: 'picking.reach',
                actions: () => {
                  void parts.put('p', 1)
                  if (broken) return
                  broken = true
                  throw new RangeError('jam')
                },
              },
            },
          },
          picking: { tags: 'stage:actuation', initial: 'reach', states: { reach: {} }, after: { 250: 'idle' } },
        },
      })
      await system.spawn(robot, { id: 'r1', watch: { frames }, durability: 'checkpoint' })
      for (let i = 0; i < 3; i++) {
        await frames.put(`f${i}`, i, { trace: hooks.startTrace('camera frame', { i }) })
        await clock.advance(400)
      }
      await system.close()
      const found = shape(await spans())
      await hooks.close?.()
      await grid.close()
      return found
    }
    const direct = await run(async (grid) => {
      const { tracer, spans } = memoryTracer()
      const hooks = telemetryHooks({ tracer, meter: memoryMeter().meter, clock: grid.clock })
      return { hooks: hooks as Telemetry, spans: async () => spans() }
    })
    const recorded = await run(async (grid) => {
      const exporter = new InMemorySpanExporter()
      const hooks = await startTelemetry({ clock: grid.clock, spanExporters: [exporter], keep: 'all' })
      return { hooks, spans: async () => (await hooks.flush(), exporter.getFinishedSpans()) }
    })
    assert.ok(direct.length > 8, direct.join('\n'))
    assert.equal(recorded, direct)
  }))

test('kept traces leave by themselves, soon', () =>
  withEnvironment({}, async () => {
    let arrived = (_count: number): void => {}
    const first = new Promise<number>((resolve) => (arrived = resolve))
    await using telemetry = await startTelemetry({
      keep: { ratio: 0 },
      spanProcessors: [{ onStart: () => {}, onEnd: () => arrived(1), forceFlush: async () => {}, shutdown: async () => {} }],
    })
    telemetry.startTrace('unwatched')
    telemetry.startTrace('watched', {}, { debug: true })
    const held = setTimeout(() => {}, 5000)
    assert.is(await first, 1)
    clearTimeout(held)
  }))

test('the sampler of the environment decides at the root', async () => {
  const count = async (variables: Readonly<Record<string, string>>, options: StartTelemetryOptions = {}) =>
    withEnvironment(variables, async () => {
      const exporter = new InMemorySpanExporter()
      const telemetry = await startTelemetry({ keep: 'all', spanExporters: [exporter], random: seeded(1), ...options })
      for (let i = 0; i < 400; i++) telemetry.startTrace('s')
      await telemetry.flush()
      const { length } = exporter.getFinishedSpans()
      await telemetry.close()
      return length
    })
  assert.is(await count({}), 400)
  assert.is(await count({ OTEL_TRACES_SAMPLER: 'always_on' }), 400)
  assert.is(await count({ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }), 0)
  const some = await count({ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.5' })
  assert.ok(some > 150 && some < 250, String(some))
  assert.is(await count({ OTEL_TRACES_SAMPLER: 'always_off' }, { recorder: { headRatio: 1 } }), 400)
  // What it samples is exported, unless the rules say less.
  for (const keep of [{}, { errors: false }, undefined]) {
    const options = { keep } as StartTelemetryOptions
    assert.is(await count({ OTEL_TRACES_SAMPLER: 'always_on' }, options), 400)
    assert.is(await count({ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.5' }, options), some)
    assert.ok((await count({}, options)) < 30)
  }
  assert.ok((await count({ OTEL_TRACES_SAMPLER: 'always_on' }, { keep: { ratio: 0.01 } })) < 30)
})

test('a bad option of recorder and rules is refused with its value', async () => {
  const cases: readonly (readonly [unknown, string, Readonly<Record<string, string>>?])[] = [
    [{ keep: 'some' }, 'keep is "some"'],
    [{ keep: { ratio: 2 } }, 'keep.ratio is 2'],
    [{ keep: { errors: 1 } }, 'keep.errors is 1'],
    [{ keep: { sloMs: { planning: -1 } } }, 'keep.sloMs.planning is -1'],
    [{ keep: { slowPerSecond: Number.NaN } }, 'keep.slowPerSecond is NaN'],
    [{ recorder: true }, 'recorder is true'],
    [{ recorder: { historyMs: 0 } }, 'recorder.historyMs is 0'],
    [{ recorder: { maxMebibytes: 1.5 } }, 'recorder.maxMebibytes is 1.5'],
    [{ recorder: { maxSpansPerTrace: 0 } }, 'recorder.maxSpansPerTrace is 0'],
    [{}, 'OTEL_TRACES_SAMPLER is "jaeger"', { OTEL_TRACES_SAMPLER: 'jaeger' }],
    [{}, 'OTEL_TRACES_SAMPLER_ARG is "many"', { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: 'many' }],
  ]
  for (const [options, message, variables = {}] of cases) {
    await withEnvironment(variables, async () => {
      try {
        await startTelemetry(options as StartTelemetryOptions)
        assert.unreachable(message)
      } catch (error) {
        assert.ok((error as Error).message.includes(message), (error as Error).message)
      }
    })
  }
})

test.run()
