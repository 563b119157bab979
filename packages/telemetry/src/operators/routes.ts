import type { Document } from './document.ts'

/**
 * An example configuration of Alertmanager: pages at once, tickets in bundles, and no ticket about a fleet that is
 * silent. https://prometheus.io/docs/alerting/latest/configuration/
 */
export function alertmanagerConfig(): Document {
  const webhook = (name: string) => ({ name, webhook_configs: [{ url: `http://127.0.0.1:9099/${name}`, send_resolved: true }] })
  return {
    route: {
      receiver: 'tickets',
      group_by: ['alertname', 'namespace', 'region'],
      group_wait: '10s',
      group_interval: '1m',
      repeat_interval: '4h',
      routes: [
        { receiver: 'safety', matchers: ['alertname="SafetyViolation"'], group_wait: '0s', repeat_interval: '30m' },
        { receiver: 'on-call', matchers: ['severity="page"'], group_wait: '1s', repeat_interval: '1h' },
      ],
    },
    inhibit_rules: [
      { source_matchers: ['alertname="AgentsSilent"'], target_matchers: ['severity="ticket"'], equal: ['namespace', 'region'] },
      { source_matchers: ['alertname="ErrorsSpread"'], target_matchers: ['alertname="TooManyFailures"'], equal: ['namespace', 'region'] },
    ],
    receivers: [webhook('tickets'), webhook('on-call'), webhook('safety')],
  }
}
