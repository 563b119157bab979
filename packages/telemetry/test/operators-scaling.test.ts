import { isTelemetryError } from '@stigmergy/telemetry'
import { operatorFiles, type OperatorOptions } from '@stigmergy/telemetry/operators'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'
import { needs } from '../../../test/runner/needs.ts'
import { hasPromtool, promtoolTest } from './support/promtool.ts'

const test = suite('autoscaling')
const withPromtool = needs(test, "promtool (Debian's package prometheus)", hasPromtool)

interface Keda {
  readonly spec: {
    readonly fallback?: unknown
    readonly triggers: readonly { readonly metricType: string; readonly metadata: { readonly query: string; readonly threshold: string } }[]
  }
}

interface Hpa {
  readonly spec: { readonly metrics: readonly { readonly external: { readonly target: { readonly value: string } } }[] }
}

interface Adapter {
  readonly externalRules: readonly { readonly metricsQuery: string }[]
}

const read = (path: string, options: OperatorOptions): unknown =>
  parse(operatorFiles(options).find((file) => file.path === path)!.text) as unknown
const keda = (options: OperatorOptions): Keda => read('kubernetes/keda.yml', options) as Keda
const targets = (options: OperatorOptions): readonly string[] =>
  (read('kubernetes/hpa.yml', options) as Hpa).spec.metrics.map(({ external }) => external.target.value)

/** Everything that scales the fleet of a namespace: what KEDA asks, and what the adapter asks for whoever is in it. */
const queriesOf = (namespace: string): readonly string[] => [
  ...keda({ namespace }).spec.triggers.map(({ metadata }) => metadata.query),
  ...(read('kubernetes/adapter.yml', { namespace }) as Adapter).externalRules.map(({ metricsQuery }) =>
    metricsQuery.replaceAll('<<.LabelMatchers>>', `namespace="${namespace}"`),
  ),
]

withPromtool('a fleet is scaled by its own namespace: an idle one is at zero, one that nobody sees has no number', async () => {
  const process = (namespace: string, slow: boolean) => [
    { series: `telemetry_dropped_total{namespace="${namespace}",what="span"}`, values: '0x40' },
    ...['agent_mailbox_wait_seconds', 'agent_decision_latency_seconds'].flatMap((metric) =>
      [
        ['0.5', '0x40'],
        ['1', slow ? '0+100x40' : '0x40'],
        ['+Inf', slow ? '0+100x40' : '0x40'],
      ].map(([le, values]) => ({ series: `${metric}_bucket{namespace="${namespace}",le="${le}"}`, values })),
    ),
  ]
  const expected: Readonly<Record<string, readonly number[]>> = { idle: [0, 0], busy: [975, 995], unseen: [] }
  const promql_expr_test = Object.entries(expected).flatMap(([namespace, values]) =>
    queriesOf(namespace).map((expr, at) => ({
      expr: `round(${expr})`,
      eval_time: '5m',
      exp_samples: values.length === 0 ? [] : [{ labels: '{}', value: values[at % 2] }],
    })),
  )
  assert.is(promql_expr_test.length, 12)
  const input_series = [...process('idle', false), ...process('busy', true)]
  assert.match(await promtoolTest('groups: []', [{ interval: '15s', input_series, promql_expr_test }]), /SUCCESS/)
})

test('limits are milliseconds, and none of them is zero to Kubernetes, which counts in thousandths', () => {
  const thresholds = (options: OperatorOptions): readonly string[] => keda(options).spec.triggers.map(({ metadata }) => metadata.threshold)
  assert.equal(targets({}), ['50', '200'])
  assert.equal(thresholds({}), ['50', '200'])
  const small = { mailboxSeconds: 0.0015, decisionSeconds: 0.0025 }
  assert.equal(targets(small), ['1500m', '2500m'])
  assert.equal(thresholds(small), ['1.5', '2.5'])
  assert.throws(
    () => operatorFiles({ decisionSeconds: 1e-7 }),
    (error: Error) => isTelemetryError(error, 'BAD_OPTION') && error.message.includes('decisionSeconds is 1e-7: give seconds from'),
  )
})

test('nothing is promised that KEDA does not do: no fallback for metrics of type Value', () => {
  const { fallback, triggers } = keda({}).spec
  assert.ok(triggers.every(({ metricType }) => metricType === 'Value'))
  assert.is(fallback, undefined)
})

test.run()
