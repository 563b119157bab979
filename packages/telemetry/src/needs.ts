import type { Attributes } from '@opentelemetry/api'
import type { CoreHooks } from '@stigmergy/core'
import type { Labels } from './labels.ts'
import type { Instruments } from './metrics/instruments.ts'

type NeedState = Parameters<NonNullable<CoreHooks['onNeed']>>[2]

/** The needs of agents that are not met. Bounded by the agents alive and what they declare (I6). */
export interface UnmetNeeds {
  change(agentId: string, need: string, state: NeedState): void
  /** The agent has ended. */
  forget(agentId: string): void
}

/** Told as `agent_needs_unmet`, zeros included once a need was unmet, so that who watches it sees it come back. */
export function observeNeeds(instruments: Instruments, labels: Labels): UnmetNeeds {
  const byAgent = new Map<string, Map<string, NeedState>>()
  /** Bounded by the values a label may take. */
  const known = new Map<Attributes, Map<NeedState, Attributes>>()

  const series = (need: string, state: NeedState): Attributes => {
    const own = labels.with('need', need)
    let states = known.get(own)
    if (states === undefined) {
      const made = (['degraded', 'latched'] as const).map((each) => [each, Object.freeze({ ...own, state: each })] as const)
      known.set(own, (states = new Map(made)))
    }
    return states.get(state) ?? own
  }

  instruments.observe('agent_needs_unmet', (tell) => {
    const counts = new Map<Attributes, number>()
    for (const states of known.values()) for (const attributes of states.values()) counts.set(attributes, 0)
    for (const needs of byAgent.values()) {
      for (const [need, state] of needs) {
        const own = series(need, state)
        counts.set(own, (counts.get(own) ?? 0) + 1)
      }
    }
    for (const [attributes, count] of counts) tell(count, attributes)
  })

  return {
    change(agentId, need, state) {
      let needs = byAgent.get(agentId)
      if (state !== 'met') {
        if (needs === undefined) byAgent.set(agentId, (needs = new Map()))
        needs.set(need, state)
        series(need, state)
        return
      }
      needs?.delete(need)
      if (needs?.size === 0) byAgent.delete(agentId)
    },
    forget: (agentId) => void byAgent.delete(agentId),
  }
}
