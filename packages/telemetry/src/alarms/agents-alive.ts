import type { AgentInfo } from '@stigmergy/core'

/** The agents that are there, of all systems that are watched: by type and id, as two systems may have the same ids. */
export class AgentsAlive {
  readonly #types = new Map<string, Map<string, number>>()

  began({ type, id }: AgentInfo): void {
    const own = this.#of(type)
    own.set(id, (own.get(id) ?? 0) + 1)
  }

  /** It is there, whether or not its beginning was seen. */
  seen({ type, id }: AgentInfo): void {
    const own = this.#of(type)
    if (!own.has(id)) own.set(id, 1)
  }

  /** How many are left of that type, and of them with that id. */
  ended({ type, id }: AgentInfo): { readonly ofType: number; readonly ofId: number } {
    const own = this.#types.get(type)
    const ofId = Math.max(0, (own?.get(id) ?? 0) - 1)
    if (ofId > 0) own?.set(id, ofId)
    else own?.delete(id)
    const ofType = own?.size ?? 0
    if (ofType === 0) this.#types.delete(type)
    return { ofType, ofId }
  }

  #of(type: string): Map<string, number> {
    let own = this.#types.get(type)
    if (own === undefined) this.#types.set(type, (own = new Map()))
    return own
  }
}
