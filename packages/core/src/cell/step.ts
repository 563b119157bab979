import type { AnyActorRef, AnyMachineSnapshot, AnyStateMachine, ExecutableActionObject } from 'xstate'

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

/** XState's default is Infinity, with which an `always` loop hangs the process. */
export const MAX_ITERATIONS = 1000

/**
 * Gives the same machine with a bound on its eventless steps, unless it set one itself; the machine given is not changed.
 * One copy serves all agents of a machine.
 */
export function createBounder(): (machine: AnyStateMachine) => AnyStateMachine {
  const copies = new WeakMap<AnyStateMachine, AnyStateMachine>()
  return (machine) => {
    if (machine.config.options?.maxIterations !== undefined) return machine
    const known = copies.get(machine)
    if (known !== undefined) return known
    const options = { value: { ...machine.options, maxIterations: MAX_ITERATIONS } }
    const copy = Object.create(machine, { options }) as AnyStateMachine
    const methods = Object.getPrototypeOf(machine) as AnyStateMachine
    // The machine binds its methods to itself; snapshots made by them would know the unbounded one.
    copy.getInitialSnapshot = methods.getInitialSnapshot.bind(copy)
    copy.restoreSnapshot = methods.restoreSnapshot.bind(copy)
    copies.set(machine, copy)
    return copy
  }
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
