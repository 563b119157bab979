import { parser } from '@prometheus-io/lezer-promql'
import { operatorFiles, type OperatorOptions } from '@stigmergy/telemetry/operators'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { needs } from '../../../test/runner/needs.ts'
import { hasPromtool, promtoolTest } from './support/promtool.ts'

const test = suite('dashboards')
const withPromtool = needs(test, "promtool (Debian's package prometheus)", hasPromtool)

interface Panel {
  readonly title: string
  readonly targets?: readonly { readonly expr: string; readonly exemplar?: boolean }[]
  readonly panels?: readonly Panel[]
}
interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: string }[] }
}

const dashboards = (options?: OperatorOptions): readonly Dashboard[] =>
  operatorFiles(options)
    .filter(({ path }) => path.startsWith('grafana/'))
    .map(({ text }) => JSON.parse(text) as Dashboard)
const panelsOf = (panels: readonly Panel[]): readonly Panel[] => panels.flatMap((panel) => [panel, ...panelsOf(panel.panels ?? [])])
const targetsOf = ({ panels }: Dashboard) =>
  panelsOf(panels).flatMap(({ title, targets = [] }) => targets.map((one) => ({ title, ...one })))
const variables = ({ templating }: Dashboard): readonly string[] => templating.list.map(({ name }) => name)

/** The series that a query asks for, with their matchers. */
function selectors(expr: string): readonly string[] {
  const found: string[] = []
  parser.parse(expr.replaceAll('$__rate_interval', '1m')).iterate({
    enter: ({ name, from, to }) =>
      void (name === 'VectorSelector' && found.push(expr.replaceAll('$__rate_interval', '1m').slice(from, to))),
  })
  return found
}

/** A query as Grafana sends it. */
function asked(title: string, chosen: { readonly namespace?: string; readonly region?: string } = {}, options?: OperatorOptions): string {
  const { namespace = '', region = '.*' } = chosen
  const target = dashboards(options)
    .flatMap(targetsOf)
    .find((one) => one.title === title)
  assert.ok(target, title)
  return target.expr.replaceAll('$namespace', namespace).replaceAll('$region', region).replaceAll('$__rate_interval', '1m')
}

test('every panel looks at one fleet alone: that of the files, else the one chosen', () => {
  for (const [options, matcher] of [
    [undefined, 'namespace=~"$namespace"'],
    [{ namespace: 'cell-8' }, 'namespace="cell-8"'],
  ] as const) {
    for (const dashboard of dashboards(options)) {
      const targets = targetsOf(dashboard)
      assert.ok(targets.length > 10)
      for (const { title, expr } of targets) {
        const found = selectors(expr)
        assert.ok(found.length > 0, title)
        for (const one of found) assert.ok(one.includes(matcher), `${title}: ${one}`)
      }
      const own = options === undefined ? ['datasource', 'namespace', 'region'] : ['datasource', 'region']
      assert.equal(variables(dashboard), own)
      const { query } = dashboard.templating.list.at(-1)!
      assert.ok(query.includes(matcher), 'the regions are those of the fleet')
    }
  }
})

test('files of one fleet replace no dashboard of another', () => {
  const longest = `${'a'.repeat(62)}1`
  const fleets: readonly (OperatorOptions | undefined)[] = [
    undefined,
    { namespace: 'cell-7' },
    { namespace: 'cell-8' },
    { namespace: longest },
    { namespace: `${longest.slice(0, 62)}2` },
  ]
  const all = fleets.flatMap((options) => dashboards(options))
  assert.is(new Set(all.map(({ uid }) => uid)).size, all.length)
  assert.is(new Set(all.map(({ title }) => title)).size, all.length)
  // What Grafana takes.
  for (const { uid } of all) assert.match(uid, /^[a-zA-Z0-9_-]{1,40}$/)
  assert.equal(
    all.slice(0, 4).map(({ uid }) => uid),
    ['stigmergy-decisions', 'stigmergy-fleet', 'stigmergy-decisions-cell-7', 'stigmergy-fleet-cell-7'],
  )
})

test('panels of latencies ask for exemplars, each of which is a kept trace', () => {
  const targets = dashboards().flatMap(targetsOf)
  for (const { title, expr, exemplar } of targets) assert.is(exemplar, expr.includes('_bucket{') ? true : undefined, title)
  assert.ok(targets.filter(({ exemplar }) => exemplar).length > 8)
})

withPromtool('promtool: two cells are not added up, and a region can be chosen', async () => {
  const gauge = (labels: string, value: number) => ({ series: `agent_alarms_active{${labels},kind="drift"}`, values: `${value}x40` })
  const input_series = [
    gauge('namespace="cell-7",region="eu"', 1),
    gauge('namespace="cell-7",region="us"', 2),
    gauge('namespace="cell-8",region="eu"', 4),
    // As on a machine without Kubernetes.
    gauge('instance="a"', 8),
  ]
  const title = 'Drifting agents'
  const promql_expr_test = [
    [asked(title, { namespace: 'cell-7' }), 3],
    [asked(title, { namespace: 'cell-7', region: 'us' }), 2],
    [asked(title, {}, { namespace: 'cell-8' }), 4],
    [asked(title), 8],
  ].map(([expr, value]) => ({ expr, eval_time: '5m', exp_samples: [{ labels: '{}', value }] }))
  assert.match(await promtoolTest('groups: []', [{ interval: '15s', input_series, promql_expr_test }]), /SUCCESS/)
})

withPromtool('promtool: what pages shows on the panel, also where it was counted before the first scrape', async () => {
  const labels = 'region="eu",agent_type="arm"'
  const input_series = [
    { series: 'telemetry_uptime_seconds{region="eu"}', values: '_x4 10+15x40' },
    { series: `agent_violations_total{${labels}}`, values: '_x4 1x40' },
    { series: `agent_stale_decisions_total{${labels}}`, values: '_x4 2x40' },
    { series: 'agent_escalations_total{region="eu",supervisor="cell"}', values: '_x4 1x40' },
  ]
  const promql_expr_test = (
    [
      ['Safety violations, 5 min', '{}', 1],
      ['Safety violations', '{region="eu", agent_type="arm"}', 1],
      ['Stale decisions, 5 min', '{}', 2],
      ['Supervisors that gave up', '{supervisor="cell"}', 1],
    ] as const
  ).flatMap(([title, own, value]) => [
    { expr: asked(title), eval_time: '2m', exp_samples: [{ labels: own, value }] },
    { expr: asked(title), eval_time: '10m', exp_samples: [{ labels: own, value: 0 }] },
  ])
  assert.match(await promtoolTest('groups: []', [{ interval: '15s', input_series, promql_expr_test }]), /SUCCESS/)
})

test.run()
