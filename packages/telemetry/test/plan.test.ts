import { BasicTracerProvider, InMemorySpanExporter } from '@opentelemetry/sdk-trace-base'
import { createSystem } from '@stigmergy/core'
import { createVirtualClock, openGrid } from '@stigmergy/grid'
import { readFlight, traceFields } from '@stigmergy/telemetry'
import { startTelemetry, type StartTelemetryOptions } from '@stigmergy/telemetry/node'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { reasonCode } from '../src/recorder/keep-rules.ts'
import { createSpanTime } from '../src/span-time.ts'
import { createSpanHooks } from '../src/spans.ts'
import { withEnvironment } from './support/environment.ts'
import { ended, openFlight } from './support/flight.ts'
import { agentInfo, startOf } from './support/transitions.ts'
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

test('two plans made from one reading stay two, in spans, log lines and the recorder', () =>
  withEnvironment({}, async () => {
    const clock = createVirtualClock()
    const grid = await openGrid({ clock })
    const exporter = new InMemorySpanExporter()
    const lines: string[] = []
    const telemetry = await startTelemetry({
      grid,
      keep: 'all',
      otlp: false,
      spanExporters: [exporter],
      logs: { destination: { write: (line: string) => void lines.push(line) } },
    })
    const system = createSystem({ grid, hooks: telemetry.core })
    const machine = (id: string, act: () => void) =>
      setup({}).createMachine({ id, initial: 'a', states: { a: { on: { go: { actions: act } } } } })
    for (const name of ['A', 'B']) {
      const plan = (): void => {
        telemetry.plan(grid.trace.current!, `plan-${name}`)
        system.send(`arm-${name}`, { type: 'go' })
      }
      await system.spawn(machine('planner', plan), { id: `planner-${name}` })
      await system.spawn(
        machine('arm', () => telemetry.logger.error('moves')),
        { id: `arm-${name}` },
      )
    }
    const trace = telemetry.startTrace('camera frame')
    for (const name of ['A', 'B']) system.send(`planner-${name}`, { type: 'go' }, { trace })
    await clock.advance(10)
    await telemetry.flush()
    const plans = new Map(exporter.getFinishedSpans().map(({ name, attributes }) => [attributes['agent.id'] ?? name, attributes]))
    for (const name of ['A', 'B']) {
      assert.is(plans.get(`planner-${name}`)?.['agent.plan.id'], `plan-${name}`)
      assert.is(plans.get(`arm-${name}`)?.['agent.plan.id'], `plan-${name}`)
      assert.is(plans.get(`arm-${name}`)?.['messaging.message.conversation_id'], `plan-${name}`)
    }
    assert.is(plans.get('camera frame')!['agent.plan.id'], undefined, 'before there was a plan')
    const said = lines.map((line) => JSON.parse(line) as { readonly agent_id?: string; readonly plan_id?: string })
    assert.equal(
      said.map(({ agent_id: agent, plan_id: plan }) => [agent, plan]),
      [
        ['arm-A', 'plan-A'],
        ['arm-B', 'plan-B'],
      ],
    )
    const { records } = readFlight(telemetry.memory!).read(0)
    const recorded = records.filter(({ plan }) => plan !== '').map(({ agentId, plan }) => `${agentId} ${plan}`)
    assert.equal(recorded.toSorted(), ['arm-A plan-A', 'arm-B plan-B', 'planner-A plan-A', 'planner-B plan-B'])
    await system.close()
    await telemetry.close()
    await grid.close()
  }))

test('the plan of a context from elsewhere is a short text or none', () =>
  withEnvironment({}, async () => {
    const clock = createVirtualClock()
    for (const [given, known] of [
      [null, undefined],
      [5, undefined],
      [{ a: 1 }, undefined],
      ['p'.repeat(300), 'p'.repeat(48)],
    ] as const) {
      const { recorder, spans } = openFlight()
      const context = recorder.start({ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1, planId: given as never })
      assert.is(context.planId, known)
      assert.is(recorder.start({ traceId: 'no id', spanId: 'b'.repeat(16), traceFlags: 1, planId: given as never }).planId, known)
      recorder.end(recorder.rowOf(agentInfo()), 'go', ended(0, 0, 0, 1), 0, 'a', 'b', new Set(), new Set(), undefined, context)
      recorder.keep(context, reasonCode('debug'))
      assert.equal(
        spans().map(({ attributes }) => attributes['agent.plan.id']),
        [known],
      )
      assert.is(traceFields({ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1, planId: given as never }).plan_id, known)
      const tracers = new BasicTracerProvider()
      const hooks = createSpanHooks(tracers.getTracer('t'), createSpanTime(clock))
      const trace = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1, planId: given as never }
      assert.is(hooks.onTransitionStart?.(startOf({ trace }))?.planId, known)
    }
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
  const rude = (): never => {
    throw new Error('mine')
  }
  const shut = new Proxy({}, { get: rude, has: rude, ownKeys: rude, getPrototypeOf: rude })
  const half = { traceId: trace.traceId, spanId: trace.spanId, traceFlags: 1, planId: 'p' }
  Object.defineProperty(half, 'traceFlags', { get: rude })
  for (const bad of [shut, half]) {
    telemetry.keep(bad as never, 'debug')
    telemetry.plan(bad as never, 'plan-1')
    telemetry.link(bad as never, [trace])
    telemetry.link(trace, [bad as never, trace])
  }
  telemetry.link(trace, new Proxy([trace], { get: rude }))
  assert.match(telemetry.startTrace('camera frame', {}, shut as never).traceId, /^[0-9a-f]{32}$/)
  assert.match(telemetry.startTrace('camera frame', {}, new Proxy({ planId: 'p' }, { get: rude })).traceId, /^[0-9a-f]{32}$/)
  assert.ok(telemetry.tally.dropped.reading >= 8, String(telemetry.tally.dropped.reading))
  for (const bad of [undefined, null, Symbol('x')]) {
    assert.match(telemetry.startTrace(bad as never, bad as never, null as never).traceId, /^[0-9a-f]{32}$/)
    telemetry.plan(trace, bad as never)
  }
  await telemetry.close()
})

test.run()
