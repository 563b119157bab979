import { InMemorySpanExporter } from '@opentelemetry/sdk-trace-base'
import { createSystem } from '@stigmergy/core'
import { createVirtualClock, openGrid } from '@stigmergy/grid'
import { startTelemetry, type StartTelemetryOptions } from '@stigmergy/telemetry/node'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withEnvironment } from './support/environment.ts'
import { setup } from './support/xstate.ts'

const test = suite('plan')

/** A planner that names its plan, and a robot that follows it. Spans by name, and the page of metrics. */
async function run(over: Partial<StartTelemetryOptions> = {}) {
  const clock = createVirtualClock()
  const grid = await openGrid({ clock })
  const exporter = new InMemorySpanExporter()
  const telemetry = await startTelemetry({ grid, spanExporters: [exporter], keep: 'all', prometheus: { port: 0 }, ...over })
  const system = createSystem({ grid, hooks: telemetry.core })
  const tasks = grid.map<number>('tasks')
  const act = (): void => {
    telemetry.plan(grid.trace.current!, 'plan-7')
    void tasks.put('r1', 1)
  }
  const planner = setup({}).createMachine({ id: 'planner', initial: 'a', states: { a: { on: { go: { actions: act } } } } })
  const robot = setup({}).createMachine({ id: 'robot', initial: 'a', states: { a: { on: { 'tasks.put': {} } } } })
  await system.spawn(robot, { id: 'r1', watch: { tasks } })
  const agent = await system.spawn(planner, { id: 'p', stage: 'planning' })
  const trace = telemetry.startTrace('camera frame')
  system.send(agent.id, { type: 'go' }, { trace })
  await clock.advance(10)
  await telemetry.flush()
  const stored = tasks.peek('r1')
  const page = await (await fetch(telemetry.prometheus!.url, { headers: { accept: 'application/openmetrics-text' } })).text()
  const spans = Object.fromEntries(exporter.getFinishedSpans().map((span) => [span.name, span.attributes]))
  await system.close()
  await telemetry.close()
  await grid.close()
  return { spans, page, stored, trace }
}

test('the id of a plan is on what follows from it, in the grid too, and on exemplars', () =>
  withEnvironment({}, async () => {
    const { spans, page, stored, trace } = await run()
    assert.is(stored?.trace?.planId, 'plan-7')
    assert.is(stored?.trace?.traceId, trace.traceId)
    const robot = spans['robot a -> a']!
    assert.equal([robot['agent.plan.id'], robot['messaging.message.conversation_id']], ['plan-7', 'plan-7'])
    assert.is(spans['planner a -> a']!['agent.plan.id'], 'plan-7')
    assert.is(robot['gen_ai.agent.name'], undefined)
    assert.match(page, new RegExp(`# \\{trace_id="${trace.traceId}",span_id="[0-9a-f]{16}",plan_id="plan-7"\\} `))
  }))

test('gen_ai names are an option', () =>
  withEnvironment({}, async () => {
    const { spans } = await run({ genAi: true })
    const names = (name: string) => {
      const { 'gen_ai.operation.name': operation, 'gen_ai.agent.name': agent, 'gen_ai.conversation.id': conversation } = spans[name]!
      return [operation, agent, conversation]
    }
    assert.equal(names('planner a -> a'), ['plan', 'planner', 'plan-7'])
    assert.equal(names('robot a -> a'), ['invoke_agent', 'robot', 'plan-7'])
    assert.is(spans['camera frame']!['gen_ai.operation.name'], undefined)
  }))

test('a plan given at the root, cut where it is too long', () =>
  withEnvironment({}, async () => {
    const exporter = new InMemorySpanExporter()
    await using telemetry = await startTelemetry({ spanExporters: [exporter], keep: 'all' })
    assert.is(telemetry.startTrace('s', {}, { planId: 'p'.repeat(100) }).planId, 'p'.repeat(48))
    telemetry.plan({ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 }, 'not ours')
    await telemetry.flush()
    assert.equal(
      exporter.getFinishedSpans().map(({ attributes }) => attributes['agent.plan.id']),
      ['p'.repeat(48)],
    )
  }))

test('outside of a transition there is no trace: nothing is told, and nothing throws', async () => {
  const telemetry = await startTelemetry({ otlp: false, prometheus: false })
  const trace = telemetry.startTrace('camera frame')
  for (const bad of [undefined, null, 5, {}, { traceId: 5, spanId: 6 }]) {
    telemetry.plan(bad as never, 'plan-1')
    telemetry.keep(bad as never, 'debug')
    telemetry.link(bad as never, [trace])
    telemetry.link(trace, [bad as never])
  }
  for (const bad of [undefined, null, Symbol('x')]) {
    assert.match(telemetry.startTrace(bad as never, bad as never, null as never).traceId, /^[0-9a-f]{32}$/)
    telemetry.plan(trace, bad as never)
  }
  await telemetry.close()
})

test.run()
