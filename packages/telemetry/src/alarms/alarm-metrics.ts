import type { AgentInfo } from '@stigmergy/core'
import type { Labels } from '../labels.ts'
import type { Instruments } from '../metrics/instruments.ts'
import { createPerAgent } from '../per-agent.ts'
import { ALARM_KINDS, type Alarm } from './alarm.ts'

/** The metrics of the alarms. Bounded by the labels (I6). */
export interface AlarmMetrics {
  /** An agent is there, or decides: the counters of its type begin at 0 before anything is counted, since what appears as 1 has never increased to Prometheus. */
  decides(agent: AgentInfo): void
  drift(agent: AgentInfo, sigma: number): void
  stale(agent: AgentInfo): void
  breach(agent: AgentInfo): void
  told(alarm: Alarm): void
  /** An agent has ended: its drift is not told any more. */
  forget(agent: AgentInfo): void
  close(): void
}

/** What is read whenever metrics are collected. */
export interface AlarmReadings {
  active(): readonly Alarm[]
  reproduction(): number
  unwatched(): number
  /** There is an objective for agents of that type. */
  hasObjective(agentType: string): boolean
}

export function createAlarmMetrics(instruments: Instruments, labels: Labels, now: AlarmReadings): AlarmMetrics {
  const stale = instruments.counter('agent_stale_decisions_total')
  const breaches = instruments.counter('agent_slo_breaches_total')
  const told = instruments.counter('agent_alarms_total')
  for (const kind of ALARM_KINDS) told.bind(labels.with('kind', kind)).add(0)
  const sigmas = createPerAgent(labels, Math.max)
  const ends = [
    instruments.observe('agent_decision_drift_sigma', (tell) => {
      for (const [attributes, sigma] of sigmas.told()) tell(sigma, attributes)
    }),
    instruments.observe('agent_alarms_active', (tell) => {
      const active = now.active()
      for (const kind of ['drift', 'errors', 'spread', 'slo'] as const) {
        tell(active.filter((alarm) => alarm.kind === kind).length, labels.with('kind', kind))
      }
    }),
    instruments.observe('agent_error_reproduction_number', (tell) => tell(now.reproduction(), labels.base)),
    instruments.observe('agent_drift_unwatched_decisions', (tell) => tell(now.unwatched(), labels.base)),
  ]
  return {
    decides(agent) {
      stale.bind(labels.ofType(agent)).add(0)
      // Where there is none, 0 would say that it is met.
      if (now.hasObjective(agent.type)) breaches.bind(labels.ofType(agent)).add(0)
    },
    drift: (agent, sigma) => sigmas.set(agent, sigma),
    stale: (agent) => stale.bind(labels.ofType(agent)).add(1),
    breach: (agent) => breaches.bind(labels.ofType(agent)).add(1),
    told({ kind, state }) {
      if (state === 'raised') told.bind(labels.with('kind', kind)).add(1)
    },
    forget: (agent) => sigmas.forget(agent),
    close() {
      for (const end of ends) end()
    },
  }
}
