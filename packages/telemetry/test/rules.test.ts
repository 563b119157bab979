import { METRICS } from '@stigmergy/telemetry'
import { operatorFiles } from '@stigmergy/telemetry/operators'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { needs } from '../../../test/runner/needs.ts'
import { hasPromtool, promtoolTest, seen } from './support/promtool.ts'

const test = suite('rules')
const withPromtool = needs(test, "promtool (Debian's package prometheus)", hasPromtool)
const files = operatorFiles()
const rules = files.find(({ path }) => path === 'prometheus/stigmergy.rules.yml')!.text

/** Metrics that nobody looks at who imports the files, and why. */
const ASKED_BY_HAND: Readonly<Record<string, string>> = {
  agent_worldmodel_timestamp_seconds: 'one for each agent; the age at its decisions has a panel',
}

test('every metric is in a rule or on a panel', () => {
  const asked = files.filter(({ path }) => /\.rules\.yml$|^grafana\//.test(path)).map(({ text }) => text)
  const unseen = Object.keys(METRICS).filter((name) => !asked.some((text) => new RegExp(`\\b${name}(_bucket|_count|_sum)?\\b`).test(text)))
  assert.equal(unseen, Object.keys(ASKED_BY_HAND))
})

withPromtool('promtool: what is about to go wrong is a ticket, and what is well is none', async () => {
  const ticket = (alert: string, series: Readonly<Record<string, string>>, at: string, labels: object | undefined) =>
    seen(alert, series, at, labels === undefined ? [] : [{ severity: 'ticket', ...labels }])
  const need = (state: string) => `agent_needs_unmet{region="eu",need="map",state="${state}"}`
  const waits = (within: string, over: string) => ({
    'agent_mailbox_wait_seconds_bucket{le="0.05",region="eu",agent_type="arm"}': within,
    'agent_mailbox_wait_seconds_bucket{le="0.1",region="eu",agent_type="arm"}': over,
    'agent_mailbox_wait_seconds_bucket{le="+Inf",region="eu",agent_type="arm"}': over,
  })
  const lines = (level: string) => `log_records_total{region="eu",agent_type="arm",level="${level}"}`
  const early = 'telemetry_records_overwritten_early_total{region="eu"}'
  const unwatched = 'agent_drift_unwatched_decisions_total{region="eu"}'
  const tests = [
    ticket('NeedUnmet', { [need('degraded')]: '0x4 2x40', [need('latched')]: '0x44' }, '4m', {
      region: 'eu',
      need: 'map',
      state: 'degraded',
    }),
    ticket('NeedUnmet', { [need('degraded')]: '0x44', [need('latched')]: '0x4 1x40' }, '4m', {
      region: 'eu',
      need: 'map',
      state: 'latched',
    }),
    ticket('NeedUnmet', { [need('degraded')]: '0x4 2x2 0x40', [need('latched')]: '0x44' }, '2m', undefined),
    ticket('MailboxesWait', waits('0+90x60', '0+100x60'), '14m', {}),
    ticket('MailboxesWait', waits('0+90x60', '0+100x60'), '9m', undefined),
    ticket('MailboxesWait', waits('0+95x60', '0+100x60'), '14m', undefined),
    // Nothing is done, so nobody waits.
    ticket('MailboxesWait', waits('0x60', '0x60'), '14m', undefined),
    ticket('ErrorsLogged', { [lines('error')]: '0x4 0+3x40' }, '11m', { region: 'eu', agent_type: 'arm' }),
    ticket('ErrorsLogged', { [lines('error')]: '0x4 1x40', [lines('warn')]: '0+100x44' }, '11m', undefined),
    ticket('RecorderShort', { [early]: '0x4 0+500x40' }, '9m', { region: 'eu' }),
    ticket('RecorderShort', { [early]: '0x4 500x40' }, '9m', undefined),
    ticket('DriftUnwatched', { [unwatched]: '0x4 0+5x40' }, '9m', { region: 'eu' }),
    // A process that begins again is no more of it.
    ticket('DriftUnwatched', { [unwatched]: '900x20 0x20' }, '9m', undefined),
  ]
  assert.match(await promtoolTest(rules, tests), /SUCCESS/)
})

test.run()
