import type { StateShape } from '@stigmergy/core'

/** Whatever a machine does with what a policy of it says. */
const POLICY_SAYS = /^xstate\.[a-z]+\.actor\.policy:(.+)$/
const POLICY = /^policy:(.+)$/

/**
 * Tells `begin` the policies of each machine once: what it invokes with an id `policy:<name>`, whatever it does with the outcome, and what
 * it spawns so and listens to.
 */
export function policiesBegun(
  begin: (policy: string) => void,
): (handles: readonly string[] | undefined, root: StateShape | undefined) => void {
  const begun = new WeakSet<object>()
  const found = (pattern: RegExp, text: string): void => {
    const policy = pattern.exec(text)?.[1]
    if (policy !== undefined) begin(policy)
  }
  const look = (state: StateShape): void => {
    for (const { id } of state.invoke) found(POLICY, id)
    for (const child of Object.values(state.states)) look(child)
  }
  const isNew = <T extends object>(seen: T | undefined): seen is T => seen !== undefined && !begun.has(seen)
  return (handles, root) => {
    if (isNew(handles)) for (const type of handles) found(POLICY_SAYS, type)
    if (isNew(root)) look(root)
    for (const seen of [handles, root]) if (seen !== undefined) begun.add(seen)
  }
}
