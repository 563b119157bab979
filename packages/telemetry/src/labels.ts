import type { Attributes } from '@opentelemetry/api'
import type { AgentInfo } from '@stigmergy/core'

/** Labels of every metric of this process. */
export interface BaseLabels {
  readonly region?: string
  readonly policyVersion?: string
}

/** The value a label takes once its own values have run out. */
export const OTHER = 'other'

/**
 * Labels of metrics: built once and kept, so that the hot path allocates none. Bounded (I6): the first `maxValues` different values
 * of a label keep their name, later ones are `other`. A value keeps its place when its agent stops, since its series stays in the SDK.
 */
export interface Labels {
  readonly base: Attributes
  /** region, policy_version, agent_type. */
  ofType(agent: AgentInfo): Attributes
  /** The same and agent_id. Beyond the bound of ids the type stays, as alerts ask by type: the agents of a type share `other`. */
  ofAgent(agent: AgentInfo): Attributes
  /** The same, if the agent has labels of its own; never takes a place. */
  ownOf(agent: AgentInfo): Attributes | undefined
  /** region, policy_version and one more label. */
  with(name: string, value: string): Attributes
  /** region, policy_version and the labels map, source: those that are given. */
  ofAge(map: string | undefined, source: string | undefined): Attributes
}

/** `system`: for agents of a system that has a name, as their ids may be those of others. */
export function createLabels(base: BaseLabels, maxValues: number, system?: string): Labels {
  const common: Attributes = Object.freeze({
    ...(base.region === undefined ? {} : { region: base.region }),
    ...(base.policyVersion === undefined ? {} : { policy_version: base.policyVersion }),
    ...(system === undefined ? {} : { system }),
  })
  const families = new Map<string, Map<string, Attributes>>()

  const lookup = (family: string, value: string, make: (value: string) => Attributes): Attributes => {
    let known = families.get(family)
    if (known === undefined) families.set(family, (known = new Map()))
    const found = known.get(value)
    if (found !== undefined) return found
    // `other` itself has its place beside the maxValues.
    const admitted = known.size - (known.has(OTHER) ? 1 : 0) < maxValues ? value : OTHER
    let labels = known.get(admitted)
    if (labels === undefined) known.set(admitted, (labels = Object.freeze(make(admitted))))
    return labels
  }

  const ofType = (agent: AgentInfo): Attributes => lookup('agent_type', agent.type, (agent_type) => ({ ...common, agent_type }))
  const ids = new Map<string, Attributes>()
  const own: Labels = {
    base: common,
    ofType,
    ofAgent(agent) {
      const known = own.ownOf(agent)
      if (known !== undefined) return known
      const type = ofType(agent)
      if (agent.id === OTHER || ids.size >= maxValues)
        return lookup('others', String(type['agent_type']), () => ({ ...type, agent_id: OTHER }))
      const made = Object.freeze({ ...type, agent_id: agent.id })
      ids.set(ids.has(agent.id) ? typed(agent) : agent.id, made)
      return made
    },
    ownOf(agent) {
      const first = ids.get(agent.id)
      if (first === undefined) return undefined
      const type = families.get('agent_type')?.get(agent.type)?.['agent_type'] ?? OTHER
      // An id that another type had before has a series for each of them.
      return first['agent_type'] === type ? first : ids.get(typed(agent))
    },
    with: (name, value) => lookup(name, value, (admitted) => ({ ...common, [name]: admitted })),
    ofAge(map, source) {
      if (source === undefined) return map === undefined ? common : own.with('map', map)
      return lookup('source', JSON.stringify([map, source]), (admitted) =>
        admitted === OTHER ? { ...common, source: OTHER } : { ...common, ...(map === undefined ? {} : { map }), source },
      )
    },
  }
  return own
}

function typed({ type, id }: AgentInfo): string {
  return JSON.stringify([type, id])
}
