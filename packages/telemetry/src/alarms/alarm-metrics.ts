import type { Attributes, Meter } from '@opentelemetry/api'
import type { AgentInfo } from '@stigmergy/core'
import { createLabels, type BaseLabels } from '../labels.ts'
import { counter, gauge, histogram } from '../metrics.ts'
import type { Alarm } from './alarm.ts'

/** The metrics of the alarms. Bounded by the labels (I6). */
export interface AlarmMetrics {
  drift(agent: AgentInfo, sigma: number): void
  age(agent: AgentInfo, seconds: number): void
  stale(agent: AgentInfo): void
  breach(agent: AgentInfo): void
  told(alarm: Alarm): void
  /** An agent has ended: its drift is not told any more. */
  forget(agent: AgentInfo): void
}

export function createAlarmMetrics(
  meter: Meter,
  base: BaseLabels,
  maxLabelValues: number,
  now: { readonly active: () => readonly Alarm[]; readonly reproduction: () => number; readonly unwatched: () => number },
): AlarmMetrics {
  const labels = createLabels(base, maxLabelValues)
  const ages = histogram(meter, 'agent_worldmodel_age_seconds')
  const stale = counter(meter, 'agent_stale_decisions_total')
  const breaches = counter(meter, 'agent_slo_breaches_total')
  const told = counter(meter, 'agent_alarms_total')
  const sigmas = new Map<Attributes, number>()
  gauge(meter, 'agent_decision_drift_sigma').addCallback((result) => {
    for (const [attributes, sigma] of sigmas) result.observe(sigma, attributes)
  })
  gauge(meter, 'agent_alarms_active').addCallback((result) => {
    const active = now.active()
    for (const kind of ['drift', 'errors', 'slo'] as const) {
      result.observe(active.filter((alarm) => alarm.kind === kind).length, labels.with('kind', kind))
    }
  })
  gauge(meter, 'agent_error_reproduction_number').addCallback((result) => result.observe(now.reproduction(), labels.base))
  gauge(meter, 'agent_drift_unwatched_decisions').addCallback((result) => result.observe(now.unwatched(), labels.base))
  return {
    drift: (agent, sigma) => void sigmas.set(labels.ofAgent(agent), sigma),
    age: (agent, seconds) => ages.record(seconds, labels.ofType(agent)),
    stale: (agent) => stale.add(1, labels.ofType(agent)),
    breach: (agent) => breaches.add(1, labels.ofType(agent)),
    told({ kind, state }) {
      if (state === 'raised') told.add(1, labels.with('kind', kind))
    },
    forget(agent) {
      const own = labels.ownOf(agent)
      if (own !== undefined) sigmas.delete(own)
    },
  }
}
