import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { createSystem } from '@stigmergy/core'
import { openGrid } from '@stigmergy/grid'
import { METRICS } from '@stigmergy/telemetry'
import { startTelemetry, type StartTelemetryOptions } from '@stigmergy/telemetry/node'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { setup } from 'xstate'
import { freePort } from './components/process.ts'
import { findPrometheus, startPrometheus } from './components/prometheus.ts'
import { needs } from './runner/needs.ts'

const test = suite('a real Prometheus')
const program = findPrometheus()
const onPrometheus = needs(test, 'Prometheus (package prometheus of Debian)', program !== undefined)

interface ExemplarSeries {
  readonly seriesLabels: Readonly<Record<string, string>>
  readonly exemplars: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: string }[]
}

onPrometheus('reads the same series from our endpoint and from the exporter, and leads from an exemplar to trace and plan', async () => {
  const exporterPort = await freePort()
  const exported: { readonly traceId: string; readonly plan: unknown }[] = []
  const spans: NonNullable<StartTelemetryOptions['spanExporters']>[number] = {
    export(batch, done) {
      for (const span of batch) exported.push({ traceId: span.spanContext().traceId, plan: span.attributes['agent.plan.id'] })
      done({ code: 0 })
    },
    shutdown: async () => {},
  }
  await using grid = await openGrid()
  await using telemetry = await startTelemetry({
    service: 'cell-7',
    region: 'eu',
    policyVersion: 'v3',
    grid,
    otlp: false,
    keep: 'all',
    spanExporters: [spans],
    prometheus: { port: 0 },
    metricReaders: [new PrometheusExporter({ host: '127.0.0.1', port: exporterPort, withoutScopeInfo: true })],
  })
  await using system = createSystem({ grid, hooks: telemetry.core })
  const planner = setup({ types: { events: {} as { type: 'part' } } }).createMachine({
    id: 'planner',
    initial: 'idle',
    states: { idle: { on: { part: { actions: () => telemetry.plan(grid.trace.current!, 'plan-42') } } } },
  })
  const agent = await system.spawn(planner, { id: 'p1', stage: 'planning' })
  const root = telemetry.startTrace('camera frame')
  agent.send({ type: 'part' }, { trace: root })
  grid.map('parts').peek('p1')
  await telemetry.flush()

  const { host } = new URL(telemetry.prometheus!.url)
  await using server = await startPrometheus(program as string, { ours: host, exporter: `127.0.0.1:${exporterPort}` })
  await server.until(async () => {
    const { result } = await server.query<{ readonly result: readonly unknown[] }>('query', { query: 'sum(up) == 2' })
    return result.length > 0 ? true : undefined
  })
  const series = async (job: string): Promise<readonly string[]> => {
    const found = await server.query<readonly Readonly<Record<string, string>>[]>('series', { 'match[]': `{job="${job}"}` })
    return found
      .filter(({ __name__: name }) => Object.keys(METRICS).some((metric) => name!.startsWith(metric)))
      .map((labels) =>
        JSON.stringify(
          Object.entries(labels)
            .filter(([name]) => name !== 'job' && name !== 'instance')
            .toSorted(),
        ),
      )
      .toSorted()
  }
  const ours = await series('ours')
  assert.ok(ours.length > 60, String(ours.length))
  assert.equal(ours, await series('exporter'))

  const found = await server.until(async () => {
    const all = await server.query<readonly ExemplarSeries[]>('query_exemplars', {
      query: 'planning_latency_seconds_bucket{job="ours"}',
      start: String(Date.now() / 1000 - 60),
      end: String(Date.now() / 1000 + 60),
    })
    return all[0]?.exemplars[0] && all[0]
  })
  assert.is(found.seriesLabels['policy_version'], 'v3')
  const { trace_id: traceId, plan_id: planId } = found.exemplars[0]!.labels
  assert.equal([traceId, planId], [root.traceId, 'plan-42'])
  // The root has none: it was there before the plan.
  assert.ok(exported.some((span) => span.traceId === traceId && span.plan === 'plan-42'))
})

test.run()
