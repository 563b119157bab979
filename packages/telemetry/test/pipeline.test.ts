import { SpanStatusCode } from '@opentelemetry/api'
import { InMemorySpanExporter, type ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createSystem } from '@stigmergy/core'
import { createVirtualClock, openGrid, type Grid } from '@stigmergy/grid'
import { startTelemetry, type Telemetry } from '@stigmergy/telemetry/node'
import { withEnvironment } from './support/environment.ts'
import { setup } from './support/xstate.ts'

const test = suite('pipeline')

/** frames -> perception -> parts -> planning -> tasks -> actuation, three agents that know only maps. */
async function house(grid: Grid, telemetry: Pick<Telemetry, 'core'>) {
  const frames = grid.map<{ x: number }>('frames')
  const parts = grid.map<{ x: number }>('parts')
  const tasks = grid.map<{ part: string }>('tasks')
  const system = createSystem({ grid, hooks: telemetry.core, random: () => 0.5 })
  type Put = { readonly event: { readonly key: string; readonly value: { readonly x: number } } }

  const eye = setup({}).createMachine({
    id: 'eye',
    initial: 'looking',
    states: {
      looking: {
        on: {
          'frames.put': { actions: ({ event }: Put) => void parts.put(event.key, { x: event.value.x }) },
        },
      },
    },
  })
  const refused = new Set<string>()
  const planner = setup({}).createMachine({
    id: 'planner',
    initial: 'idle',
    states: {
      idle: {
        on: {
          'parts.put': {
            actions: ({ event }: Put) => {
              // Once only: the restarted planner is told of the part again.
              if (event.value.x < 0 && !refused.has(event.key)) {
                refused.add(event.key)
                throw new Error('a part behind the belt')
              }
              void tasks.put('r1', { part: event.key })
            },
          },
        },
      },
    },
  })
  const robot = setup({}).createMachine({
    id: 'robot',
    initial: 'idle',
    states: {
      idle: { on: { 'tasks.put': 'picking' } },
      picking: { tags: 'stage:actuation', after: { 250: 'idle' } },
    },
  })
  await system.spawn(eye, { id: 'eye', stage: 'perception', watch: { frames } })
  await system.spawn(planner, { id: 'planner', stage: 'planning', watch: { parts }, durability: 'checkpoint' })
  await system.spawn(robot, { id: 'r1', watch: { tasks } })
  return { system, frames }
}

async function setUp() {
  const clock = createVirtualClock({ wallStartMs: 1_700_000_000_000 })
  const grid = await openGrid({ clock })
  const exporter = new InMemorySpanExporter()
  const telemetry = await startTelemetry({ service: 'cell', grid, spanExporters: [exporter], keep: 'all', prometheus: { port: 0 } })
  const { system, frames } = await house(grid, telemetry)
  const spans = async (): Promise<ReadableSpan[]> => {
    await telemetry.flush()
    return exporter.getFinishedSpans()
  }
  const close = async (): Promise<void> => {
    await system.close()
    await grid.close()
    await telemetry.close()
  }
  return { clock, telemetry, frames, spans, close, system, grid }
}

const parentOf = (span: ReadableSpan | undefined): string | undefined => span?.parentSpanContext?.spanId

test('sensor, perception, planning and actuation of one part are one trace', () =>
  withEnvironment({}, async () => {
    const { clock, telemetry, frames, spans, close } = await setUp()
    await clock.advance(1000)
    const trace = telemetry.startTrace('camera frame')
    await frames.put('p1', { x: 1 }, { trace })
    await clock.advance(300)

    const found = (await spans()).filter((span) => span.spanContext().traceId === trace.traceId)
    const named = (name: string) => found.find((span) => span.name === name)
    const sensor = named('camera frame')
    const perception = named('eye looking -> looking')
    const planning = named('planner idle -> idle')
    const actuation = named('robot idle -> picking')
    const placed = named('robot picking -> idle')
    assert.is(found.length, 5, found.map((span) => span.name).join())
    assert.equal([sensor, perception, planning, actuation, placed].map(parentOf), [
      undefined,
      sensor?.spanContext().spanId,
      perception?.spanContext().spanId,
      planning?.spanContext().spanId,
      actuation?.spanContext().spanId,
    ])
    assert.equal(
      [sensor, perception, planning, actuation, placed].map((span) => span?.attributes['agent.stage']),
      ['sensor', 'perception', 'planning', 'actuation', 'actuation'],
    )
    assert.equal(sensor?.startTime, [1_700_000_001, 0])
    assert.equal(placed?.startTime, [1_700_000_001, 250_000_000])

    const text = await (await fetch(telemetry.prometheus!.url)).text()
    assert.match(text, /^agent_decision_latency_seconds_count\{agent_type="planner",agent_id="planner"\} 1$/m)
    assert.match(text, /^perception_latency_seconds_count\{agent_type="eye"\} 1$/m)
    assert.match(text, /^planning_latency_seconds_count\{agent_type="planner"\} 1$/m)
    assert.match(text, /^actuation_latency_seconds_sum\{agent_type="robot"\} 0\.25$/m)
    assert.match(text, /^agent_worldmodel_timestamp_seconds\{agent_type="robot",agent_id="r1"\} 1700000001$/m)
    assert.match(text, /^map_stale_age_seconds\{map="parts"\} 0$/m)
    assert.match(text, /^grid_changes_total\{map="tasks",type="put"\} 1$/m)
    for (const lost of Object.values(telemetry.tally)) for (const [what, count] of Object.entries(lost)) assert.is(count, 0, what)
    await close()
  }))

test('two parts are two traces', () =>
  withEnvironment({}, async () => {
    const { clock, telemetry, frames, spans, close } = await setUp()
    const traces = ['p1', 'p2'].map((camera) => telemetry.startTrace('camera frame', { camera }))
    await frames.put('p1', { x: 1 }, { trace: traces[0]! })
    await frames.put('p2', { x: 2 }, { trace: traces[1]! })
    await clock.advance(1000)
    for (const trace of traces) {
      const names = (await spans()).filter((span) => span.spanContext().traceId === trace.traceId).map((span) => span.name)
      assert.ok(names.includes('eye looking -> looking') && names.includes('planner idle -> idle'), names.join())
    }
    await close()
  }))

test('a failure, its restart and what follows are in the trace of their cause', () =>
  withEnvironment({}, async () => {
    const { clock, telemetry, frames, spans, close } = await setUp()
    const trace = telemetry.startTrace('camera frame')
    await frames.put('p1', { x: -1 }, { trace })
    await clock.advance(1000)

    const found = (await spans()).filter((span) => span.spanContext().traceId === trace.traceId)
    const failing = found.find((span) => span.status.code === SpanStatusCode.ERROR && span.name === 'planner idle -> idle')
    assert.equal(failing?.status, { code: SpanStatusCode.ERROR, message: 'a part behind the belt' })
    assert.is(failing?.attributes['agent.event'], 'parts.put')
    const failed = found.find((span) => span.name === 'planner failed')
    const restarted = found.find((span) => span.name === 'planner restarted')
    assert.is(parentOf(failed), failing?.spanContext().spanId)
    assert.is(parentOf(restarted), failing?.spanContext().spanId)
    assert.is(restarted?.attributes['agent.restored.from'], 'checkpoint')
    assert.ok(found.some((span) => span.attributes['agent.event'] === 'agent.restored' && parentOf(span) === failing?.spanContext().spanId))
    const text = await (await fetch(telemetry.prometheus!.url)).text()
    assert.match(text, /^agent_restarts_total\{agent_type="planner",agent_id="planner"\} 1$/m)
    assert.match(text, /^dead_letters_total\{reason="crashed"\} 1$/m)
    await close()
  }))

test('agents do the same with a telemetry whose exporter throws as with none', () =>
  withEnvironment({}, async () => {
    const run = async (telemetry: Pick<Telemetry, 'core' | 'grid'>) => {
      const clock = createVirtualClock()
      const grid = await openGrid({ clock })
      grid.use(telemetry.grid)
      const { system, frames } = await house(grid, telemetry)
      const seen: unknown[] = []
      for (const map of grid.mapNames) {
        grid
          .map(map)
          .watch((change) => void seen.push([clock.now(), map, change.type, change.type === 'put' && [change.key, change.entry.version]]))
      }
      for (let i = 0; i < 50; i++) {
        await frames.put(`p${i}`, { x: i % 10 === 9 ? -1 : i })
        await clock.advance(300)
      }
      const { guestErrors } = system
      const status = system.agents.map((id) => [id, system.agent(id)?.status, system.agent(id)?.restarts, system.agent(id)?.snapshot.value])
      await system.close()
      await grid.close()
      return { seen, status, guestErrors }
    }
    const boom = (): never => {
      throw new Error('boom')
    }
    await using throwing = await startTelemetry({
      keep: 'all',
      spanExporters: [{ export: boom, shutdown: boom }],
      spanProcessors: [{ onStart: boom, onEnd: boom, forceFlush: boom, shutdown: boom }],
      warn: () => {},
    })
    const plain = await run({ core: {}, grid: {} })
    assert.ok(plain.seen.length > 100)
    assert.equal(await run(throwing), plain)
    await throwing.flush()
    assert.ok(throwing.tally.exportFailures.traces > 0 && throwing.tally.dropped.span > 0)
  }))

test.run()
