import type { ResyncChange } from '../map/entry.ts'

export type Reason = ResyncChange<unknown>['reason']

/** Of two reasons for one resync, the one that says more. */
export function stronger(a: Reason | undefined, b: Reason | undefined): Reason | undefined {
  const order = [undefined, 'overflow', 'gap', 'reconnect', 'merge'] as const
  return order.indexOf(a) > order.indexOf(b) ? a : b
}
