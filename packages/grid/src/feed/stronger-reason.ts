import type { ResyncReason } from '../map/entry.ts'

const WEAKEST_FIRST = ['overflow', 'gap', 'reconnect', 'merge'] as const satisfies readonly ResyncReason[]

/** Of two reasons for one resync, the one that says more: `merge`, `reconnect`, `gap`, `overflow`. For whoever makes one resync of several. */
export function strongerReason(a: ResyncReason | undefined, b: ResyncReason | undefined): ResyncReason | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return WEAKEST_FIRST.indexOf(a) > WEAKEST_FIRST.indexOf(b) ? a : b
}
