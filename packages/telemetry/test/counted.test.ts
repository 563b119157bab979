import { operatorFiles } from '@stigmergy/telemetry/operators'
import { createVirtualClock } from '@stigmergy/grid'
import { telemetryHooks } from '@stigmergy/telemetry'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'
import { needs } from '../../../test/runner/needs.ts'
import { memoryMeter } from './support/otel.ts'
import { hasPromtool, promtoolTest, seen } from './support/promtool.ts'

const test = suite('counted')
const withPromtool = needs(test, "promtool (Debian's package prometheus)", hasPromtool)
const rules = operatorFiles().find(({ path }) => path === 'prometheus/stigmergy.rules.yml')!.text

const exprOf = (alert: string): string =>
  (parse(rules) as { groups: { rules: { alert?: string; expr: string }[] }[] }).groups
    .flatMap((group) => group.rules)
    .find((rule) => rule.alert === alert)!.expr

const ARM = 'region="eu",agent_type="arm"'
const of = (target = 'instance="robot"') => ({
  violations: `agent_violations_total{${ARM},${target}}`,
  uptime: `telemetry_uptime_seconds{region="eu",${target}}`,
})
const { violations, uptime } = of()
/** An hour of a process that was there long before. */
const OLD = '90000+15x240'
const told = [{ region: 'eu', agent_type: 'arm' }]
const safety = (counts: string, lives: string, at: string, labels: readonly object[]) =>
  seen('SafetyViolation', { [violations]: counts, [uptime]: lives }, at, labels)

withPromtool('promtool: what a process counted before its first scrape fires, also in each life of one that dies of it', async () => {
  const first = { [violations]: '_x4 1x40', [uptime]: '_x4 5+15x40' }
  const lives = ['0x40 1x40 _x8 1x40 _x8 1x40', '5+15x80 stale _x7 5+15x40 stale _x7 5+15x40'] as const
  const tests = [
    seen('SafetyViolation', first, '1m15s', told),
    seen('SafetyViolation', first, '8m', []),
    safety('_x4 0x40', '_x4 5+15x40', '3m', []),
    safety(...lives, '12m', told),
    safety(...lives, '19m', []),
    safety(...lives, '23m', told),
    safety(...lives, '25m', told),
    safety(...lives, '35m15s', told),
    // It begins again, and all is well.
    safety('0x4 3x40 stale _x7 0x40', '5+15x44 stale _x7 5+15x40', '15m', []),
    // Not there for an hour and a half: whatever it was before.
    safety('3x8 stale _x360 3x40', '5+15x8 stale _x360 5+15x40', '93m', told),
    // Seen once, and gone.
    safety('0x8 1 stale', '5+15x9 stale', '3m', told),
    // Another type begins in a process that was seen before.
    safety('_x80 1x40', OLD, '20m30s', told),
    safety('_x80 1x40', OLD, '26m', []),
    seen(
      'StaleWorldModel',
      { 'agent_stale_decisions_total{agent_type="arm"}': '_x4 2x40', telemetry_uptime_seconds: '_x4 5+15x40' },
      '1m15s',
      [{ agent_type: 'arm' }],
    ),
    seen(
      'SupervisorGaveUp',
      { 'agent_escalations_total{supervisor="cell"}': '_x4 1x40', telemetry_uptime_seconds: '_x4 5+15x40' },
      '1m15s',
      [{ supervisor: 'cell', severity: 'ticket' }],
    ),
  ]
  assert.match(await promtoolTest(rules, tests), /SUCCESS/)
})

withPromtool('promtool: what was counted long ago does not fire, whoever sees it first', async () => {
  const pod = of('instance="robot",pod="a"')
  const [eu, us] = ['region="eu"', 'region="us"'].map((region) => [
    `agent_violations_total{${region},agent_type="arm"}`,
    `telemetry_uptime_seconds{${region}}`,
  ]) as [[string, string], [string, string]]
  const tests = [
    // A Prometheus that is new.
    ...['15s', '2m', '6m'].map((at) => safety('3x100', OLD, at, [])),
    // One that was away for more than an hour, and for a while.
    ...['70m', '72m', '78m'].map((at) => safety('3x8 _x272 3x40', '90000+15x8 _x272 94200+15x40', at, [])),
    safety('3x8 stale _x40 3x40', '90000+15x8 stale _x40 90735+15x40', '14m', []),
    // Labels that changed in a process that did not begin anew.
    ...['10m15s', '12m', '16m'].map((at) =>
      seen(
        'SafetyViolation',
        { [violations]: '3x40 stale', [uptime]: '90000+15x40 stale', [pod.violations]: '_x41 3x40', [pod.uptime]: '_x41 90615+15x40' },
        at,
        [],
      ),
    ),
    seen('SafetyViolation', { [eu[0]]: '3x40', [eu[1]]: '90000+15x40', [us[0]]: '_x20 3x40', [us[1]]: '_x20 90000+15x40' }, '6m', []),
    // The old life is remembered while the type has not begun in the new one.
    safety('3x8 stale', '90000+15x8 5+15x40', '3m', []),
  ]
  assert.match(await promtoolTest(rules, tests), /SUCCESS/)
})

withPromtool('promtool: what was counted while Prometheus did not reach the process fires when it does', async () => {
  const away = (now: string) => [`3x8 stale _x40 ${now}x80`, '90000+15x8 stale _x40 90735+15x80'] as const
  const tests = [
    safety(...away('4'), '12m30s', told),
    safety(...away('4'), '17m', told),
    safety(...away('4'), '18m', []),
    // With a scrape each minute as well.
    {
      ...seen(
        'StaleWorldModel',
        { 'agent_stale_decisions_total{agent_type="arm"}': '0x8 1x8', telemetry_uptime_seconds: '90000+60x16' },
        '9m15s',
        [{ agent_type: 'arm' }],
      ),
      interval: '1m',
    },
    {
      interval: '15s',
      input_series: [
        { series: violations, values: '3x40 5x40' },
        { series: uptime, values: OLD },
      ],
      promql_expr_test: [{ expr: exprOf('SafetyViolation'), eval_time: '12m', exp_samples: [{ labels: `{${ARM}}`, value: 2 }] }],
    },
  ]
  assert.match(await promtoolTest(rules, tests), /SUCCESS/)
})

test('a process tells for how long it has counted', async () => {
  const { meter, read, close } = memoryMeter()
  const clock = createVirtualClock()
  await clock.advance(5000)
  telemetryHooks({ meter, clock, region: 'eu' })
  await clock.advance(2500)
  const points = await read('telemetry_uptime_seconds')
  assert.equal(
    points.map(({ attributes, value }) => [attributes, value]),
    [[{ region: 'eu' }, 2.5]],
  )
  await close()
})

test.run()
