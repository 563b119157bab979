import type { CoreHooks } from '../hooks.ts'
import type { Strategy } from '../supervision/strategy.ts'

/** A team as it should be supervised. */
export interface TeamOrder {
  readonly name: string
  readonly strategy: Strategy
  /** Agents in the order in which they are to be started. */
  readonly agents: readonly string[]
}

type Deed = 'spawn' | 'restart' | 'stop'

/**
 * Checks supervision order in one process: children start in order; what is restarted together is restarted in order; and, but for
 * `one-for-one`, children stop in reverse order. `wrong` is called with what is not so.
 */
export function watchOrder(teams: readonly TeamOrder[], wrong: (text: string) => void): CoreHooks {
  const places = new Map(teams.flatMap((order) => order.agents.map((id, place) => [id, { order, place }] as const)))
  const last = new Map<string, { deed: Deed; place: number }>()

  const seen = (id: string, deed: Deed): void => {
    const found = places.get(id)
    if (found === undefined) return
    const { order, place } = found
    const before = last.get(order.name)
    last.set(order.name, { deed, place })
    if (before?.deed !== deed || inOrder(deed, before.place, place, order.strategy)) return
    wrong(`${order.name} (${order.strategy}): ${deed} of ${id} came after that of ${order.agents[before.place]}`)
  }
  return {
    onSpawn: ({ id }) => seen(id, 'spawn'),
    onRestart: ({ id }) => seen(id, 'restart'),
    onFailure({ agent }) {
      // A new round: whatever was under way begins anew.
      const found = places.get(agent.id)
      if (found !== undefined) last.delete(found.order.name)
    },
    onStop({ id }, reason) {
      if (reason === 'stopped') seen(id, 'stop')
    },
  }
}

function inOrder(deed: Deed, before: number, now: number, strategy: Strategy): boolean {
  // One-for-one: children are independent, once they are started.
  if (strategy === 'one-for-one' && deed !== 'spawn') return true
  return deed === 'stop' ? now < before : now > before
}
