import type { Attributes } from '@opentelemetry/api'
import type { DependencyChange } from '@stigmergy/core'
import type { Labels } from './labels.ts'
import type { Instruments } from './metrics/instruments.ts'

/** Numbers of the states of a breaker, the worse the higher. */
const STATES = { closed: 0, 'half-open': 1, open: 2 } as const

/**
 * Tells `agent_breaker_state`: the worst of the breakers that share a name, as those of two systems do. They are counted by their changes, as
 * nothing else tells them apart. Bounded by the labels (I6). Returns what takes a change.
 */
export function observeBreakers(instruments: Instruments, labels: Labels): (change: DependencyChange) => void {
  const counts = new Map<Attributes, { open: number; 'half-open': number }>()
  instruments.observe('agent_breaker_state', (tell) => {
    for (const [attributes, own] of counts)
      tell(own.open > 0 ? STATES.open : own['half-open'] > 0 ? STATES['half-open'] : STATES.closed, attributes)
  })
  return ({ name, from, to }) => {
    const own = labels.with('breaker', name)
    let count = counts.get(own)
    if (count === undefined) counts.set(own, (count = { open: 0, 'half-open': 0 }))
    // It may have opened before anybody looked.
    if (from !== 'closed') count[from] = Math.max(0, count[from] - 1)
    if (to !== 'closed') count[to] += 1
  }
}
