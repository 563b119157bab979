import type { AnyActorRef, AnyActorScope, AnyEventObject, AnyMachineSnapshot } from 'xstate'
import { like } from './like.ts'

type Spawn = (src: unknown, options?: object) => AnyActorRef
type Assigner = (args: object, params: undefined) => unknown

/** XState's `assign`, as it is found in a machine. */
export interface Assign {
  readonly assignment: Assigner | Readonly<Record<string, unknown>>
  /** Of XState's own: what it makes of the snapshot. */
  resolve(
    scope: AnyActorScope,
    snapshot: AnyMachineSnapshot,
    args: object,
    params: undefined,
    action: { readonly assignment: Assigner },
    extra: object,
  ): readonly unknown[]
}

/** True for an action that is XState's `assign`, as this release of XState makes it. */
export function isAssign(action: object): action is Assign {
  const { type, assignment, resolve } = action as { readonly type?: unknown; readonly assignment?: unknown; readonly resolve?: unknown }
  const given = typeof assignment === 'function' || (typeof assignment === 'object' && assignment !== null)
  return type === 'xstate.assign' && given && typeof resolve === 'function'
}

/**
 * What `assign` makes of a snapshot that stays in its state. XState works out the state and its tags anew each time, with a dozen sets and
 * maps: here only the context is new. What the user's functions spawn is spawned by XState.
 */
export function assigned(action: Assign, scope: AnyActorScope, snapshot: AnyMachineSnapshot, event: AnyEventObject): AnyMachineSnapshot {
  const { assignment } = action
  const context = snapshot.context as object | undefined
  if (!context) throw new Error('Cannot assign to undefined `context`. Ensure that `context` is defined in the machine config.')
  const { self, system } = scope
  let children = snapshot.children as object

  const spawn: Spawn = (src, options) => {
    let spawned: AnyActorRef | undefined
    // In an `assign` of its own, that changes nothing else.
    const alone = ({ spawn: own }: { readonly spawn: Spawn }): object => {
      spawned = own(src, options)
      return {}
    }
    const before = like(snapshot, context, children)
    const [after] = action.resolve(scope, before, { context, event, self, system }, undefined, { assignment: alone as Assigner }, {})
    children = (after as AnyMachineSnapshot).children
    return spawned as unknown as AnyActorRef
  }

  const args = { context, event, spawn, self, system }
  let update: unknown
  if (typeof assignment === 'function') update = assignment(args, undefined)
  else {
    const made: Record<string, unknown> = {}
    for (const key of Object.keys(assignment)) {
      const value = assignment[key]
      made[key] = typeof value === 'function' ? (value as Assigner)(args, undefined) : value
    }
    update = made
  }
  return like(snapshot, Object.assign({ ...context }, update), children)
}
