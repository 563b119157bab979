import { metricsText, createRegistry, BUCKETS_SECONDS, type HistogramPoint, type Registry } from '@stigmergy/telemetry'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('registry')
const trace = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 }

function setUp(maxSeries = 2000) {
  const lost = { refused: 0, readers: 0 }
  const registry = createRegistry({
    maxSeries,
    kept: ({ traceFlags }) => traceFlags === 1,
    refused: () => void lost.refused++,
    readerFailed: () => void lost.readers++,
  })
  return { registry, lost }
}

const points = (registry: Registry, name: string) => registry.collect().find((family) => family.name === name)?.points ?? []
const histogramOf = (registry: Registry): HistogramPoint => points(registry, 'planning_latency_seconds')[0] as HistogramPoint

test('a value falls into the first bucket whose bound is not below it', () => {
  const { registry } = setUp()
  const bound = registry.histogram('planning_latency_seconds').bind({})
  for (const edge of BUCKETS_SECONDS) bound.record(edge)
  bound.record(0)
  bound.record(11)
  const { counts, sum } = histogramOf(registry)
  assert.equal([...counts], [2, ...BUCKETS_SECONDS.slice(1).map(() => 1), 1])
  assert.ok(Math.abs(sum - (BUCKETS_SECONDS.reduce((all, each) => all + each, 0) + 11)) < 1e-9)
})

test('what is no time is refused and counted', () => {
  const { registry, lost } = setUp()
  const bound = registry.histogram('planning_latency_seconds').bind({})
  for (const bad of [Number.NaN, -1, Infinity]) bound.record(bad)
  registry.counter('agent_restarts_total').bind({}).add(-1)
  assert.equal(
    [...histogramOf(registry).counts].filter((count) => count > 0),
    [],
  )
  assert.is(lost.refused, 4)
})

test('the same labels in another order, or in another object, are the same series', () => {
  const { registry } = setUp()
  const counter = registry.counter('agent_restarts_total')
  counter.bind({ a: '1', b: 2 }).add(1)
  counter.bind({ b: '2', a: '1' }).add(1)
  counter.bind(Object.freeze({ a: '1', b: '2' })).add(1)
  assert.equal(points(registry, 'agent_restarts_total'), [{ labels: { a: '1', b: 2 }, value: 3 }])
  const changing: Record<string, string> = { a: '1' }
  counter.bind(changing).add(1)
  changing['a'] = '3'
  counter.bind(changing).add(5)
  assert.equal(
    points(registry, 'agent_restarts_total').map((point) => (point as { value: number }).value),
    [3, 1, 5],
  )
})

test('a label that cannot be written is refused', () => {
  const { registry } = setUp()
  assert.throws(() => registry.counter('agent_restarts_total').bind({ a: 1n as unknown as string }), /label a is of type bigint/)
})

test('series are bounded: the rest meets in one', () => {
  const { registry } = setUp(10)
  for (let i = 0; i < 100; i++) registry.counter('agent_restarts_total').bind({ i }).add(1)
  const all = points(registry, 'agent_restarts_total') as readonly { labels: object; value: number }[]
  assert.is(all.length, 11)
  assert.equal(all.at(-1), { labels: { otel_metric_overflow: true }, value: 90 })
  registry.observe('agent_mailbox_depth', (tell) => {
    for (let i = 0; i < 100; i++) tell(i, { i })
  })
  const waiting = points(registry, 'agent_mailbox_depth') as readonly { labels: object; value: number }[]
  assert.is(waiting.length, 11)
  assert.equal(waiting.at(-1), { labels: { otel_metric_overflow: true }, value: 4905 })
})

test('of what is read the worst over the bound is told, whoever tells it, and what is counted there is added up', () => {
  const { registry } = setUp(10)
  const last = (name: string) => (points(registry, name) as readonly { labels: object; value: number }[]).slice(10)
  for (const region of ['eu', 'us'])
    registry.observe('journal_lag_records', (tell) => {
      for (let i = 0; i < 100; i++) tell(region === 'us' && i === 50 ? 1_000_000 : i, { region, journal: `j${i}` })
    })
  assert.equal(last('journal_lag_records'), [
    { labels: { region: 'eu', otel_metric_overflow: true }, value: 99 },
    { labels: { region: 'us', otel_metric_overflow: true }, value: 1_000_000 },
  ])
  for (const name of ['agent_worldmodel_timestamp_seconds', 'grid_near_cache_reads_total'] as const)
    registry.observe(name, (tell) => {
      for (let i = 20; i > 0; i--) tell(i, { i })
    })
  assert.equal(last('agent_worldmodel_timestamp_seconds'), [{ labels: { otel_metric_overflow: true }, value: 1 }])
  assert.equal(last('grid_near_cache_reads_total'), [{ labels: { otel_metric_overflow: true }, value: 55 }])
  registry.observe('agent_breaker_state', (tell) => {
    for (let i = 0; i < 1000; i++) tell(i === 999 ? 2 : 0, { agent_type: `t${i}` })
  })
  const bounded = points(registry, 'agent_breaker_state') as readonly { labels: object; value: number }[]
  assert.equal([bounded.length, bounded.at(-1)], [21, { labels: { otel_metric_overflow: true }, value: 2 }])
})

test('what is over the bound keeps its type and region', () => {
  const { registry } = setUp(10)
  const type = (agent_type: string) => ({ region: 'eu', agent_type })
  for (let i = 0; i < 100; i++)
    registry
      .counter('agent_restarts_total')
      .bind({ ...type(i < 50 ? 'robot' : 'arm'), agent_id: `a${i}`, system: 'x' })
      .add(1)
  const all = points(registry, 'agent_restarts_total') as readonly { labels: object; value: number }[]
  assert.equal(
    all.slice(10).map(({ labels, value }) => [labels, value]),
    [
      [{ ...type('robot'), otel_metric_overflow: true }, 40],
      [{ ...type('arm'), otel_metric_overflow: true }, 50],
    ],
  )
  for (let i = 0; i < 1000; i++)
    registry
      .counter('agent_restarts_total')
      .bind({ agent_type: `t${i}` })
      .add(1)
  const bounded = points(registry, 'agent_restarts_total') as readonly { labels: object; value: number }[]
  assert.is(bounded.length, 21)
  assert.equal(bounded.at(-1), { labels: { otel_metric_overflow: true }, value: 992 })
})

test('a reader that throws hides nothing of the others, and is counted', () => {
  const { registry, lost } = setUp()
  registry.observe('agent_mailbox_depth', () => {
    throw new Error('boom')
  })
  const end = registry.observe('agent_mailbox_depth', (tell) => tell(3, { agent_type: 'robot' }))
  assert.equal(points(registry, 'agent_mailbox_depth'), [{ labels: { agent_type: 'robot' }, value: 3 }])
  assert.is(lost.readers, 1)
  end()
  assert.equal(points(registry, 'agent_mailbox_depth'), [])
})

test('alarms of one process that tell the same labels are added up, and the worst of them is told', () => {
  const { registry } = setUp()
  for (const value of [2, 0]) registry.observe('agent_alarms_active', (tell) => tell(value, { kind: 'slo' }))
  for (const value of [3, 1]) registry.observe('agent_error_reproduction_number', (tell) => tell(value, {}))
  assert.equal(points(registry, 'agent_alarms_active'), [{ labels: { kind: 'slo' }, value: 2 }])
  assert.equal(points(registry, 'agent_error_reproduction_number'), [{ labels: {}, value: 3 }])
  for (const value of [2, 0]) registry.observe('agent_breaker_state', (tell) => tell(value, { breaker: 'store' }))
  assert.equal(points(registry, 'agent_breaker_state'), [{ labels: { breaker: 'store' }, value: 2 }])
})

test('an exemplar is the newest kept trace of its bucket', () => {
  const { registry } = setUp()
  const bound = registry.histogram('planning_latency_seconds').bind({})
  bound.record(0.03, trace)
  bound.record(0.04, { ...trace, spanId: 'c'.repeat(16) })
  bound.record(0.045, { ...trace, traceFlags: 0 })
  const told = histogramOf(registry).exemplars.filter((exemplar) => exemplar !== undefined)
  assert.equal(told, [{ value: 0.04, trace: { ...trace, spanId: 'c'.repeat(16) } }])
})

test('a trace that is kept after the value was recorded is an exemplar as well, if it is before the next one', () => {
  const kept = new Set<string>()
  const registry = createRegistry({ maxSeries: 10, kept: ({ spanId }) => kept.has(spanId), refused: () => {}, readerFailed: () => {} })
  const bound = registry.histogram('planning_latency_seconds').bind({})
  const span = (spanId: string) => ({ ...trace, spanId })
  const told = () => histogramOf(registry).exemplars.flatMap((exemplar) => (exemplar === undefined ? [] : [exemplar.trace.spanId]))
  bound.record(0.03, span('late'))
  bound.record(3, span('later'))
  assert.equal(told(), [])
  kept.add('late')
  bound.record(0.04, span('never'))
  kept.add('later')
  assert.equal(told(), ['late', 'later'])
  bound.record(0.04)
  bound.record(0.04, span('too late'))
  bound.record(0.04, span('other'))
  kept.add('too late')
  assert.equal(told(), ['late', 'later'])
  kept.add('other')
  assert.equal(told(), ['other', 'later'])
})

test('labels that a scraper would refuse do not cost the page', () => {
  const { registry } = setUp()
  registry.histogram('task_assignment_latency_seconds').bind({ 'rule.name': 'a', 'rule-name': 'b', le: '7', '1st': 'x', '': 'y' }).record(1)
  const text = metricsText(registry.collect(), {}, 'open-metrics')
  assert.match(text, /^task_assignment_latency_seconds_count\{rule_name="a;b",_1st="x",_="y"\} 1$/m)
  assert.match(text, /^task_assignment_latency_seconds_bucket\{rule_name="a;b",_1st="x",_="y",le="\+Inf"\} 1$/m)
})

test('names that are Prometheus own do not cost the page either', () => {
  const { registry } = setUp()
  registry.observe('agent_breaker_state', (tell) => tell(1, { __name__: 'up', '..a': 'b', breaker: 'x' }))
  const text = metricsText(registry.collect(), { __meta: 'y' }, 'open-metrics')
  assert.match(text, /^agent_breaker_state\{_name__="up",_a="b",breaker="x"\} 1$/m)
  assert.match(text, /^target_info\{_meta="y"\} 1$/m)
})

test('the text of both formats', () => {
  const { registry } = setUp()
  registry.histogram('planning_latency_seconds').bind({ agent_type: 'a"b\\c\nd' }).record(0.3, trace)
  registry.counter('agent_restarts_total').bind({}).add(2)
  registry.observe('map_stale_age_seconds', (tell) => tell(Infinity, { map: 'parts' }))
  const target = { 'service.name': 'cell-1', list: ['x'] }
  const open = metricsText(registry.collect(), target, 'open-metrics', () => ({ plan_id: 'p7', more: 'x'.repeat(80) }))
  const old = metricsText(registry.collect(), target, 'prometheus', () => ({ plan_id: 'p7' }))
  assert.match(open, /^# TYPE target info\ntarget_info\{service_name="cell-1",list="\[\\"x\\"\]"\} 1$/m)
  assert.match(old, /^# TYPE target_info gauge$/m)
  assert.match(open, /^# TYPE agent_restarts counter\nagent_restarts_total 2$/m)
  assert.match(old, /^# TYPE agent_restarts_total counter\nagent_restarts_total 2$/m)
  assert.match(open, /^# UNIT planning_latency_seconds seconds$/m)
  const labels = 'agent_type="a\\"b\\\\c\\nd"'
  const exemplar = `# {trace_id="${trace.traceId}",span_id="${trace.spanId}",plan_id="p7"} 0.3`
  assert.ok(open.includes(`planning_latency_seconds_bucket{${labels},le="0.5"} 1 ${exemplar}\n`), open)
  assert.ok(old.includes(`planning_latency_seconds_bucket{${labels},le="0.5"} 1\n`), old)
  assert.ok(old.includes(`planning_latency_seconds_bucket{${labels},le="0.2"} 0\n`))
  assert.ok(old.includes(`planning_latency_seconds_bucket{${labels},le="+Inf"} 1\n`))
  assert.match(old, /^map_stale_age_seconds\{map="parts"\} \+Inf$/m)
  assert.ok(open.endsWith('# EOF\n') && !old.includes('EOF'))
})

test.run()
