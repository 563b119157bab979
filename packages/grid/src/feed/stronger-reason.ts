import type { ResyncChange } from '../map/entry.ts'

/** Why a watcher is told the whole present state. */
export type ResyncReason = ResyncChange<unknown>['reason']

const WEAKEST_FIRST = ['overflow', 'gap', 'reconnect', 'merge'] as const satisfies readonly ResyncReason[]

/** Of two reasons for one resync, the one that says more: `merge`, `reconnect`, `gap`, `overflow`. For whoever makes one resync of several. */
export function strongerReason<A extends ResyncReason | undefined, B extends ResyncReason | undefined>(a: A, b: B): A | B {
  if (a === undefined || b === undefined) return a ?? b
  return WEAKEST_FIRST.indexOf(a) > WEAKEST_FIRST.indexOf(b) ? a : b
}
