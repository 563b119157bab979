import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1'
import { parser } from '@prometheus-io/lezer-promql'
import { METRICS, isTelemetryError } from '@stigmergy/telemetry'
import { operatorFiles, writeOperatorFiles } from '@stigmergy/telemetry/operators'
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse, stringify } from 'yaml'
import { needs } from '../../../test/runner/needs.ts'
import { hasPromtool, inFolder, promtoolCheck, promtoolTest, run, seen } from './support/promtool.ts'

const test = suite('operators')
const files = operatorFiles()
const textOf = (path: string): string => files.find((file) => file.path === path)!.text
const committed = new URL('../../../deploy/operators/', import.meta.url)

interface Rule {
  readonly alert?: string
  readonly record?: string
  readonly expr: string
}
const rules = (parse(textOf('prometheus/stigmergy.rules.yml')) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules)

interface Panel {
  readonly title: string
  readonly targets?: readonly { readonly expr: string }[]
  readonly panels?: readonly Panel[]
}
const panelsOf = (path: string): Panel[] => {
  const all = (panels: readonly Panel[]): Panel[] => panels.flatMap((panel) => [panel, ...all(panel.panels ?? [])])
  return all((JSON.parse(textOf(path)) as { panels: Panel[] }).panels)
}
const queries = [
  ...rules.map(({ alert, record, expr }) => ({ of: (alert ?? record)!, expr })),
  ...['grafana/decisions.json', 'grafana/fleet.json'].flatMap((path) =>
    panelsOf(path).flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ of: title, expr }))),
  ),
]

const exprOf = (alert: string): string => rules.find((rule) => rule.alert === alert)!.expr
const panelQuery = (title: string): string => panelsOf('grafana/decisions.json').find((panel) => panel.title === title)!.targets![0]!.expr

/** What Grafana puts in for its variables. */
const filled = (expr: string): string => expr.replaceAll('$__rate_interval', '1m').replaceAll('$namespace', '').replaceAll('$region', '.*')

test('the files in deploy are the ones that are made', async () => {
  for (const { path, text } of files)
    assert.is(await readFile(new URL(path, committed), 'utf8'), text, `${path}: run stigmergy operators deploy/operators --force`)
})

test('every query can be parsed', () => {
  assert.ok(queries.length > 50, String(queries.length))
  for (const { of, expr } of queries) assert.is(firstError(filled(expr)), undefined, `${of}: ${expr}`)
  assert.is(firstError('sum by (le (rate(x[5m]))'), 'a broken one', 'the parser finds what is broken')
})

function firstError(expr: string): string | undefined {
  let broken = false
  parser.parse(expr).iterate({ enter: (node) => void (broken ||= node.type.isError) })
  return broken ? 'a broken one' : undefined
}

test('queries ask only for metrics and labels that there are', () => {
  const known = new Map<string, readonly string[]>()
  for (const [name, { kind, labels }] of Object.entries(METRICS)) {
    // `namespace` is a label of the target.
    const own = [...labels, 'region', 'policy_version', 'system', 'otel_metric_overflow', 'namespace']
    if (kind !== 'histogram') known.set(name, own)
    else for (const end of ['bucket', 'count', 'sum']) known.set(`${name}_${end}`, [...own, 'le'])
  }
  for (const { record } of rules) if (record !== undefined) known.set(record, ['namespace', 'region'])
  for (const { of, expr } of queries) {
    const names = namesIn(filled(expr))
    assert.ok(names.metrics.length > 0, of)
    for (const metric of names.metrics) assert.ok(known.has(metric), `${of} asks for ${metric}`)
    const labels = new Set(names.metrics.flatMap((metric) => known.get(metric) ?? []))
    for (const label of names.labels) assert.ok(labels.has(label), `${of} asks for label ${label} of ${names.metrics.join(', ')}`)
  }
})

function namesIn(expr: string): { readonly metrics: string[]; readonly labels: string[] } {
  const [metrics, labels]: [string[], string[]] = [[], []]
  parser.parse(expr).iterate({
    enter({ name, from, to, node }) {
      const textHere = expr.slice(from, to)
      if (name === 'Identifier' && node.parent?.name === 'VectorSelector') metrics.push(textHere)
      if (name === 'LabelName') labels.push(textHere)
    },
  })
  return { metrics, labels }
}

test('no rule takes the time of a gauge from the present time', () => {
  for (const { of, expr } of queries) assert.not.match(expr, /time\(\)/, of)
})

test('every alert says what it is about, how grave it is, and what it measured', () => {
  const alerts = rules.filter(({ alert }) => alert !== undefined) as unknown as {
    alert: string
    labels: { severity: string }
    annotations: { summary: string; description: string }
  }[]
  assert.ok(alerts.some(({ alert }) => alert === 'StaleWorldModel'))
  for (const { alert, labels, annotations } of alerts) {
    assert.ok(['page', 'ticket'].includes(labels.severity), alert)
    assert.ok(annotations.summary.length > 10 && annotations.description.length > 10, alert)
  }
  assert.is(new Set(alerts.map(({ alert }) => alert)).size, alerts.length)
})

test('the manifests are valid, and a broken one is found', () => {
  const hpa = parse(textOf('kubernetes/hpa.yml')) as ConstructorParameters<typeof HorizontalPodAutoscaler>[0]
  new HorizontalPodAutoscaler(hpa).validate()
  const keda = parse(textOf('kubernetes/keda.yml')) as ConstructorParameters<typeof ScaledObject>[0]
  new ScaledObject(keda).validate()
  const broken = { ...keda, spec: { ...keda!.spec, minReplicaCount: 'two' } } as unknown as typeof keda
  assert.throws(() => new ScaledObject(broken).validate(), /integer|number/)
  const metrics = (hpa as { spec: { metrics: { external: { metric: { name: string } } }[] } }).spec.metrics
  const served = (parse(textOf('kubernetes/adapter.yml')) as { externalRules: { name: { as: string } }[] }).externalRules
  assert.equal(
    metrics.map(({ external }) => external.metric.name),
    served.map(({ name }) => name.as),
    'the adapter serves what the autoscaler asks for',
  )
})

test('options reach the files; a bad one is refused with its value', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stigmergy-operators-'))
  try {
    const written = await writeOperatorFiles(folder, {
      namespace: 'cell-7',
      workload: 'robots',
      mapAgeSeconds: 0.1,
      workloadKind: 'Deployment',
    })
    assert.is(written.length, files.length)
    const keda = parse(await readFile(join(folder, 'kubernetes/keda.yml'), 'utf8')) as {
      metadata: unknown
      spec: { scaleTargetRef: unknown }
    }
    assert.equal(keda.metadata, { name: 'robots', namespace: 'cell-7' })
    assert.equal(keda.spec.scaleTargetRef, { apiVersion: 'apps/v1', kind: 'Deployment', name: 'robots' })
    assert.match(
      await readFile(join(folder, 'prometheus/stigmergy.rules.yml'), 'utf8'),
      /map_stale_age_seconds\{namespace="cell-7",source=""\}\) > 0\.1/,
    )
  } finally {
    await rm(folder, { recursive: true })
  }
  const refused = (options: object, quoted: RegExp): void =>
    assert.throws(
      () => operatorFiles(options),
      (error: Error) => isTelemetryError(error, 'BAD_OPTION') && quoted.test(error.message),
    )
  refused({ namespace: 'Cell 7' }, /namespace is "Cell 7": give a DNS label/)
  refused({ workloadKind: 'DaemonSet' }, /workloadKind is "DaemonSet"/)
  refused({ prometheusUrl: 'prometheus:9090' }, /prometheusUrl is "prometheus:9090"/)
  refused({ decisionSeconds: 0 }, /decisionSeconds is 0/)
  // What a histogram cannot tell: a percentile is never above its last bound.
  refused({ decisionSeconds: 30 }, /decisionSeconds is 30: give seconds from 0.001 to 9/)
  // Where all wait shorter than the first bound, the percentile is just under that.
  refused({ mailboxSeconds: 0.0005 }, /mailboxSeconds is 0.0005: give seconds from 0.001/)
  refused({ mapAgeSecond: 5 }, /operatorFiles has no option "mapAgeSecond"/)
  for (const wrong of [null, 'cell-7', []]) refused(wrong as never, /operatorFiles is/)
  for (const unset of ['', undefined]) {
    const error = await writeOperatorFiles(unset as string).catch((cause: unknown) => cause)
    assert.ok(isTelemetryError(error, 'BAD_OPTION') && /folder is/.test(error.message), String(error))
  }
  refused({ minReplicas: 5, maxReplicas: 4 }, /maxReplicas is 4: give an integer from 5/)
})

const withPromtool = needs(test, "promtool (Debian's package prometheus)", hasPromtool)
const withAmtool = needs(test, "amtool (Debian's package prometheus-alertmanager)", existsSync('/usr/bin/amtool'))

withPromtool('promtool accepts the rules, and an example of how to scrape', async () => {
  const rulesText = textOf('prometheus/stigmergy.rules.yml')
  assert.match(await promtoolCheck('rules', { 'rules.yml': rulesText }), new RegExp(`SUCCESS: ${rules.length} rules found`))
  // Debian's build cannot discover pods: all the rest of the file is checked.
  const scrape = parse(textOf('prometheus/scrape.example.yml')) as { scrape_configs: Record<string, unknown>[] }
  for (const each of scrape.scrape_configs) {
    assert.equal(each['kubernetes_sd_configs'], [{ role: 'pod', namespaces: { names: ['default'] } }])
    delete each['kubernetes_sd_configs']
  }
  const config = await promtoolCheck('config', {
    'prometheus.yml': stringify(scrape),
    'stigmergy.rules.yml': rulesText,
  })
  assert.match(config, /SUCCESS: 1 rule files found/)
})

withPromtool('promtool: what each alert fires on, and what it does not fire on', () => {
  const fires = (alertname: string, input_series: object[], at: string, labels: object[]) => ({
    interval: '15s',
    input_series: [{ series: 'telemetry_dropped_total{what="span"}', values: '0x80' }, ...input_series],
    alert_rule_test: [
      { alertname, eval_time: at, exp_alerts: labels.map((exp_labels) => ({ exp_labels: { team: 'agents', ...exp_labels } })) },
    ],
  })
  const stale = 'agent_stale_decisions_total{region="eu",agent_type="planner"}'
  const timestamp = 'agent_worldmodel_timestamp_seconds{region="eu",agent_type="planner",agent_id="p1"}'
  const tests = [
    fires('StaleWorldModel', [{ series: stale, values: '0x8 3x8' }], '2m30s', [{ severity: 'page', region: 'eu', agent_type: 'planner' }]),
    // A world that nobody changes is not stale, however long ago it changed.
    fires(
      'StaleWorldModel',
      [
        { series: stale, values: '0x40' },
        { series: timestamp, values: '0x40' },
      ],
      '8m',
      [],
    ),
    fires('StaleWorldModel', [{ series: stale, values: '0x8 3x40' }], '8m', []),
    fires('MapStale', [{ series: 'map_stale_age_seconds{region="eu",map="parts"}', values: '0.02x4 0.08x40' }], '5m', [
      { severity: 'page', region: 'eu', map: 'parts' },
    ]),
    fires('MapStale', [{ series: 'map_stale_age_seconds{region="eu",map="parts"}', values: '0.02x4 0.08 0.02x40' }], '1m15s', []),
    // A source speaks as often as it has something to say.
    ...['MapStale', 'SourceStale'].map((alert) =>
      fires(alert, [{ series: 'map_stale_age_seconds{region="eu",map="parts",source="r1"}', values: '0.1 1 0.02 2 4x40' }], '5m', []),
    ),
    fires('SourceStale', [{ series: 'map_stale_age_seconds{region="eu",source="r1"}', values: '1000000000x40' }], '5m', [
      { severity: 'page', region: 'eu', source: 'r1' },
    ]),
    fires('DecisionDrift', [{ series: 'agent_alarms_active{region="eu",kind="drift"}', values: '0x4 1x40' }], '5m', [
      { severity: 'page', region: 'eu' },
    ]),
    // What drifts in one process is added to what drifts in another.
    {
      interval: '15s',
      input_series: ['a', 'b', 'c'].map((instance) => ({
        series: `agent_alarms_active{region="eu",kind="drift",instance="${instance}"}`,
        values: '1x40',
      })),
      promql_expr_test: [
        { expr: exprOf('DecisionDrift'), eval_time: '5m', exp_samples: [{ labels: '{region="eu"}', value: 3 }] },
        { expr: filled(panelQuery('Drifting agents')), eval_time: '5m', exp_samples: [{ labels: '{}', value: 3 }] },
      ],
    },
    // No process has a recorder, and all are well.
    fires('AgentsSilent', [], '5m', []),
    fires(
      'ErrorsSpread',
      [
        { series: 'agent_alarms_active{region="eu",kind="errors"}', values: '1x40' },
        { series: 'agent_alarms_active{region="eu",kind="spread"}', values: '1x40' },
      ],
      '5m',
      [{ severity: 'page', region: 'eu' }],
    ),
    ...(
      [
        ['0x40', [{ severity: 'ticket', region: 'eu' }]],
        ['1x14 0x26', []],
      ] as const
    ).map(([values, told]) =>
      fires(
        'TooManyFailures',
        [
          { series: 'agent_alarms_active{region="eu",kind="errors"}', values: '1x16 0x24' },
          { series: 'agent_alarms_active{region="eu",kind="spread"}', values },
        ],
        '4m',
        [...told],
      ),
    ),
    fires(
      'TelemetryExportFails',
      [{ series: 'telemetry_export_failures_total{region="eu",signal="traces"}', values: '0x4 0+1x36' }],
      '9m',
      [{ severity: 'ticket', region: 'eu', signal: 'traces' }],
    ),
    // What is lost now, whatever was before.
    ...(
      [
        ['0x4 0+1x76', '15m', [{ severity: 'ticket', region: 'eu' }]],
        ['0+1x12 12x70', '17m', []],
      ] as const
    ).map(([values, at, labels]) =>
      fires(
        'TracesIncoherent',
        [
          { series: 'telemetry_traces_incomplete_total{region="eu"}', values },
          { series: 'telemetry_traces_told_total{region="eu"}', values: '100000+50x80' },
        ],
        at,
        [...labels],
      ),
    ),
    fires('SafetyViolation', [{ series: 'agent_violations_total{region="eu",agent_type="arm"}', values: '0x4 1x40' }], '3m', [
      { severity: 'page', region: 'eu', agent_type: 'arm' },
    ]),
    fires('SupervisorGaveUp', [{ series: 'agent_escalations_total{region="eu",supervisor="cell"}', values: '0x8 1x40' }], '3m', [
      { severity: 'ticket', region: 'eu', supervisor: 'cell' },
    ]),
    // Half open now and then, as an open one is while every call fails.
    ...['0x4 2x40', '0x4 2 2 1 2 1 1 1 2 2 1 2 1 2 2 1 2 1 2 1'].map((values) =>
      fires('BreakerOpen', [{ series: 'agent_breaker_state{region="eu",breaker="store"}', values }], '4m', [
        { severity: 'page', region: 'eu', breaker: 'store' },
      ]),
    ),
    fires(
      'BreakerOpen',
      [{ series: 'agent_breaker_state{region="eu",breaker="store"}', values: '0x4 2 1 0 2 1 0 2 1 0 2 1 0 2' }],
      '4m',
      [],
    ),
    {
      interval: '15s',
      input_series: [{ series: 'up', values: '0x80' }],
      alert_rule_test: [{ alertname: 'AgentsSilent', eval_time: '5m', exp_alerts: [{ exp_labels: { team: 'agents', severity: 'page' } }] }],
    },
  ]
  return promtoolTest(textOf('prometheus/stigmergy.rules.yml'), tests).then((said) => assert.match(said, /SUCCESS/))
})

withPromtool('promtool: failures that spread in one process are not those of another', async () => {
  const errors = (instance: string, kind: string) => `agent_alarms_active{region="eu",instance="${instance}",kind="${kind}"}`
  const both = { [errors('p1', 'errors')]: '1x40', [errors('p1', 'spread')]: '0x40', [errors('p2', 'errors')]: '0x40' }
  const few = { 'agent_error_reproduction_number{region="eu",instance="p2"}': '2x40', [errors('p2', 'spread')]: '0x40' }
  const spread = { [errors('p2', 'spread')]: '1x40', [errors('p3', 'errors')]: '1x40' }
  const tests = [
    seen('ErrorsSpread', { ...both, ...few }, '5m', []),
    seen('TooManyFailures', { ...both, ...few }, '5m', [{ region: 'eu', severity: 'ticket' }]),
    seen('ErrorsSpread', { ...both, ...spread }, '5m', [{ region: 'eu' }]),
    seen('TooManyFailures', { ...both, ...spread }, '5m', [{ region: 'eu', severity: 'ticket' }]),
  ]
  assert.match(await promtoolTest(textOf('prometheus/stigmergy.rules.yml'), tests), /SUCCESS/)
})

withPromtool('promtool: a fleet is a namespace, and a region of it that is gone is missed', async () => {
  const process = (labels: string) => `telemetry_dropped_total{${labels},what="span"}`
  const cells = { [process('namespace="cell-7"')]: '0x4 stale', [process('namespace="cell-8"')]: '0x80' }
  const regions = { [process('region="eu"')]: '0x4 stale', [process('region="us"')]: '0x80' }
  const old = { [process('namespace="cell-7"')]: '0x80', 'map_stale_age_seconds{namespace="cell-8",map="parts"}': '10x40' }
  const restarts = (cell: string) => `agent_restarts_total{namespace="${cell}",agent_type="arm"}`
  const two = { ...cells, [restarts('cell-7')]: '0x4 2x40', [restarts('cell-8')]: '0x4 2x40' }
  const all = [
    seen('AgentsSilent', cells, '9m', [{ namespace: 'cell-7' }]),
    seen('AgentsSilent', regions, '9m', [{ region: 'eu' }]),
    seen('AgentsSilent', regions, '1m', []),
    seen('MapStale', old, '5m', [{ namespace: 'cell-8', map: 'parts' }]),
    // Neither has restarted too often; both together would have.
    seen('AgentRestarting', two, '4m', []),
  ]
  assert.match(await promtoolTest(textOf('prometheus/stigmergy.rules.yml'), all), /SUCCESS/)
  const ofCell = operatorFiles({ namespace: 'cell-7' }).find(({ path }) => path === 'prometheus/stigmergy.rules.yml')!.text
  const own = [
    seen('AgentsSilent', cells, '9m', [{ namespace: 'cell-7' }]),
    seen('AgentsSilent', { [process('namespace="cell-8"')]: '0x80' }, '9m', [{ namespace: 'cell-7' }]),
    seen('MapStale', old, '5m', []),
  ]
  assert.match(await promtoolTest(ofCell, own), /SUCCESS/)
  for (const { expr } of (parse(ofCell) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules)) {
    const { metrics } = namesIn(expr)
    assert.is(expr.split('namespace="cell-7"').length - 1, metrics.length, expr)
  }
})

withAmtool('amtool accepts the routes, and sends each alert where it belongs', () =>
  inFolder({ 'alertmanager.yml': textOf('alertmanager/routes.example.yml') }, async (folder) => {
    const config = join(folder, 'alertmanager.yml')
    const { stdout } = await run('/usr/bin/amtool', ['check-config', config])
    assert.match(stdout, /SUCCESS/)
    const routed = async (...labels: string[]): Promise<string> =>
      (await run('/usr/bin/amtool', ['config', 'routes', 'test', `--config.file=${config}`, ...labels])).stdout.trim()
    assert.is(await routed('alertname=SafetyViolation', 'severity=page'), 'safety')
    assert.is(await routed('alertname=StaleWorldModel', 'severity=page'), 'on-call')
    assert.is(await routed('alertname=DeadLetters', 'severity=ticket'), 'tickets')
  }),
)

test.run()
