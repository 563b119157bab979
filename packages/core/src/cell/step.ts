import type { AnyActorRef, AnyMachineSnapshot, ExecutableActionObject } from 'xstate'

/** Something a step wants done to the world outside the snapshot: an action, a send, the start or stop of a child. */
export type Effect = ExecutableActionObject | (() => void)

/**
 * What an event makes of a snapshot: the next one, and effects that have not happened yet.
 * The seam between the statechart and the runtime: decide first, act later (I2).
 */
export interface Step {
  readonly snapshot: AnyMachineSnapshot
  readonly effects: readonly Effect[]
}

/**
 * Stops the children in a snapshot and theirs. XState leaves them running when the actor's own action threw,
 * and does not look into children that are stopped themselves: so from the leaves up.
 */
export function stopChildren(snapshot: unknown): void {
  const { children } = (snapshot ?? {}) as { readonly children?: Readonly<Record<string, AnyActorRef | undefined>> }
  for (const child of Object.values(children ?? {})) {
    if (child === undefined) continue
    stopChildren(child.getSnapshot())
    // Not in XState's types: `stop()` refuses every actor but the root.
    ;(child as AnyActorRef & { _stop(): void })._stop()
  }
}
