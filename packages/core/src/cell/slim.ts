import type { AnyMachineSnapshot } from 'xstate'

const NO_TAGS: ReadonlySet<string> = new Set()
export const NOTHING: object = Object.freeze({})

/** Lets snapshots share what is empty in most of them: XState makes a set and two objects anew for each. */
export function slim(snapshot: AnyMachineSnapshot): AnyMachineSnapshot {
  const own = snapshot as { tags: ReadonlySet<string>; children: object; historyValue: object }
  if (own.tags?.size === 0) own.tags = NO_TAGS
  if (isEmpty(own.children)) own.children = NOTHING
  if (isEmpty(own.historyValue)) own.historyValue = NOTHING
  return snapshot
}

/** True if it has no property. */
export function isEmpty(object: object): boolean {
  if (object === NOTHING) return true
  for (const _key in object) return false
  return true
}
