import type { Attributes } from '@opentelemetry/api'
import type { AgentInfo } from '@stigmergy/core'
import type { Labels } from './labels.ts'

/** The newest value of each agent that is alive, for a gauge. Bounded by them (I6). */
export interface PerAgent {
  set(agent: AgentInfo, value: number): void
  /** The agent has ended: what it told is not told any more. */
  forget(agent: AgentInfo): void
  /** One value per set of labels. */
  told(): ReadonlyMap<Attributes, number>
}

/** `worse`: which of two values is told where agents share labels, beyond the bound of ids, so that none hides behind the others. */
export function createPerAgent(labels: Labels, worse: (a: number, b: number) => number): PerAgent {
  const values = new Map<string, { readonly type: string; readonly labels: Attributes; value: number }>()
  return {
    set(agent, value) {
      const known = values.get(agent.id)
      if (known?.type === agent.type) known.value = value
      else values.set(agent.id, { type: agent.type, labels: labels.ofAgent(agent), value })
    },
    forget: (agent) => void values.delete(agent.id),
    told() {
      const told = new Map<Attributes, number>()
      for (const { labels: own, value } of values.values()) {
        const other = told.get(own)
        told.set(own, other === undefined ? value : worse(other, value))
      }
      return told
    },
  }
}
