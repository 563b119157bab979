import { createSystem } from '@stigmergy/core'
import { createVirtualClock, openGrid } from '@stigmergy/grid'
import { startTelemetry } from '@stigmergy/telemetry/node'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { startCell } from '../src/sim/cell.ts'
import { createLayout } from '../src/sim/layout.ts'
import { simulate } from '../src/sim/run.ts'

const test = suite('the trace of a part')

interface SpanSeen {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parent: string | undefined
  readonly attributes: Readonly<Record<string, unknown>>
  readonly error: string | undefined
}

async function openTraced() {
  const spans: SpanSeen[] = []
  const clock = createVirtualClock()
  const grid = await openGrid({ clock })
  const telemetry = await startTelemetry({
    service: 'cell',
    grid,
    clock,
    keep: 'all',
    spanExporters: [
      {
        export: (batch, done) => {
          for (const span of batch) {
            const { traceId, spanId } = span.spanContext()
            const { name, attributes, status } = span
            spans.push({ name, traceId, spanId, parent: span.parentSpanContext?.spanId, attributes, error: status.message })
          }
          done({ code: 0 })
        },
        shutdown: async () => {},
      },
    ],
  })
  return { spans, clock, grid, telemetry }
}

test('one part is one trace from detection to actuation, over three agents', async () => {
  const { spans, grid, telemetry } = await openTraced()
  const report = await simulate({ robots: 2, offeredLoad: 1, parts: 100, seed: 2 }, { grid, telemetry })
  await telemetry.close()
  await grid.close()

  const traces = byTrace(spans)
  const ofParts = [...traces.values()].filter((trace) => trace.some((span) => span.name === 'camera frame'))
  assert.is(ofParts.length, 100, 'one trace per part')
  let complete = 0
  for (const trace of ofParts) {
    const ids = new Set(trace.map((span) => span.spanId))
    const roots = trace.filter((span) => span.parent === undefined)
    assert.equal(
      roots.map((span) => span.name),
      ['camera frame'],
      'one root: the sensor',
    )
    for (const span of trace) assert.ok(span.parent === undefined || ids.has(span.parent), `${span.name} hangs on a span of its own trace`)
    const agents = new Set(trace.map((span) => span.attributes['agent.type']))
    const names = trace.map((span) => span.name)
    if (names.some((name) => /robot.*picking.*placing/.test(name))) {
      complete += 1
      for (const type of ['vision', 'planner', 'robot']) assert.ok(agents.has(type), `${type} is in the trace: ${names.join(', ')}`)
      assert.ok(
        names.some((name) => /robot.*idle.*picking/.test(name)),
        names.join(', '),
      )
      assert.ok(
        names.some((name) => /robot.*placing.*idle/.test(name)),
        names.join(', '),
      )
      const robots = new Set(trace.filter((span) => span.attributes['agent.type'] === 'robot').map((span) => span.attributes['agent.id']))
      assert.is(robots.size, 1, 'one robot had it')
    }
  }
  assert.is(complete, report.picked, 'every picked part has its whole trace')
})

test('a robot that throws and is restarted shows so in the trace of its part', async () => {
  const { spans, clock, grid, telemetry } = await openTraced()
  const system = createSystem({ grid, hooks: telemetry.core })
  const layout = createLayout(clock, 1, 0.2)
  let planted = false
  const cell = await startCell({
    system,
    layout,
    pickTimeMs: () => 400,
    onRobotStep: (_robot, step) => {
      if (step !== 'picked' || planted) return
      planted = true
      throw new Error('gripper jammed')
    },
  })
  const trace = telemetry.startTrace('camera frame')
  cell.camera.show('p1', layout.belt.counts(), trace)
  await clock.advance(10_000)
  cell.close()
  await system.close()
  await telemetry.close()
  await grid.close()

  const ofPart = spans.filter((span) => span.traceId === trace.traceId && span.attributes['agent.type'] === 'robot')
  const story = ofPart.map((span) => `${span.name}${span.error === undefined ? '' : ` (${span.error})`}`)
  assert.equal(story.slice(0, 4), [
    'robot idle -> picking',
    'robot picking -> picking (gripper jammed)',
    'robot failed (gripper jammed)',
    'robot restarted',
  ])
  assert.is(story.filter((name) => name === 'robot idle -> picking').length, 1, 'taken once')
  assert.is(story.filter((name) => name === 'robot placing -> idle').length, 1, 'placed once')
})

function byTrace(spans: readonly SpanSeen[]): Map<string, SpanSeen[]> {
  const groups = new Map<string, SpanSeen[]>()
  for (const span of spans) groups.set(span.traceId, [...(groups.get(span.traceId) ?? []), span])
  return groups
}

test.run()
