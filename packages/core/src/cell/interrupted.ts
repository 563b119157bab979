import type { AnyActorLogic, AnyActorRef, AnyMachineSnapshot, AnyStateMachine } from 'xstate'
import { quote } from '../check.ts'
import { CoreError } from '../errors.ts'
import type { PersistedSnapshot } from '../durability/record.ts'

/** A promise that was running when the state was stored: nobody knows how it ended. */
export interface Interrupted {
  /** Ids of the children from the agent down to the one whose promise it was. */
  readonly path: readonly string[]
  readonly id: string
  readonly src: string
}

/** Names of promises (as `src` or id) that may be run a second time. */
export type Retryable = readonly string[] | 'all'

type StoredChild = NonNullable<PersistedSnapshot['children']>[string] & { readonly src?: unknown; readonly again?: boolean }

/**
 * Takes out of a stored state the promises that must not be run a second time: XState would start them anew, and a payment is made twice.
 * Changes the snapshot. Throws `CoreError` STORE_FOREIGN if a child is made of what the machine does not have.
 */
export function takeInterrupted(
  machine: AnyStateMachine,
  snapshot: PersistedSnapshot,
  retryable: Retryable,
  path: readonly string[] = [],
): readonly Interrupted[] {
  const found: Interrupted[] = []
  for (const [id, child] of Object.entries((snapshot.children ?? {}) as Readonly<Record<string, StoredChild>>)) {
    const { src, again } = child
    const logic = typeof src === 'string' ? logicOf(machine, src) : undefined
    // XState would leave it out, and the machine would wait for it.
    if (typeof src !== 'string' || logic === undefined) {
      throw new CoreError('STORE_FOREIGN', `the stored child ${quote(id)} is made of ${quote(src)}, which the machine does not have`)
    }
    if (child.snapshot.status !== 'active') continue
    if (typeof (logic as unknown as AnyStateMachine).root === 'object') {
      found.push(...takeInterrupted(logic as unknown as AnyStateMachine, child.snapshot, retryable, [...path, id]))
    } else if (again !== true && retryable !== 'all' && !retryable.includes(src) && !retryable.includes(id) && isPromise(logic)) {
      delete snapshot.children?.[id]
      found.push({ path, id, src })
    }
  }
  return found
}

type Machine = AnyActorRef & { _send(event: object): void }

/** The event by which XState tells a machine that its child has failed. */
interface ChildFailed {
  readonly type: string
  readonly error: unknown
  readonly actorId: string
}

/**
 * Tells each machine that invoked one, as XState tells of a promise that has failed: `onError` gets a `CoreError` INTERRUPTED. Where neither
 * it nor a machine above it takes that, nobody is told: XState would end the agent, and a new beginning would run the promise again. Its
 * state stays; those events are returned.
 */
export function tellInterrupted(
  root: AnyActorRef,
  agentId: string,
  interrupted: readonly Interrupted[] | undefined,
): readonly ChildFailed[] {
  const unheard: ChildFailed[] = []
  for (const { path, id, src } of interrupted ?? []) {
    const above = actorsOn(root, path)
    const what = `${quote(id)} (${src}) of agent ${quote(agentId)}`
    const error = new CoreError('INTERRUPTED', `the promise ${what} was running when the agent stopped: how it ended is not known`)
    const event = childFailed(id, error)
    const heard = above.some((actor, depth) => takes(actor, depth === path.length ? event : childFailed(path[depth] as string, error)))
    if (heard) above[path.length]?._send(event)
    else unheard.push(event)
  }
  return unheard
}

function childFailed(actorId: string, error: unknown): ChildFailed {
  return { type: `xstate.error.actor.${actorId}`, error, actorId }
}

/** From the agent down to the machine at the end of the path, as far as they are there. */
function actorsOn(root: AnyActorRef, path: readonly string[]): readonly Machine[] {
  const found = [root as Machine]
  for (const step of path) {
    const snapshot = found.at(-1)?.getSnapshot() as { readonly children?: Record<string, Machine> } | undefined
    const next = snapshot?.children?.[step]
    if (next === undefined) break
    found.push(next)
  }
  return found
}

/** As XState finds out whether an error is handled. A guard that throws is told of by the step itself. */
function takes(actor: Machine, event: ChildFailed): boolean {
  const snapshot = actor.getSnapshot() as AnyMachineSnapshot
  try {
    return snapshot.machine.getTransitionData(snapshot as never, event as never).length > 0
  } catch {
    return true
  }
}

const INLINE = /^xstate\.invoke\.(\d+)\.(.*)/

/** As XState finds what a child is made of. */
export function logicOf(machine: AnyStateMachine, src: string): AnyActorLogic | undefined {
  const inline = INLINE.exec(src)
  if (inline === null) return machine.implementations.actors[src] as AnyActorLogic | undefined
  const [, index, nodeId] = inline
  try {
    const { invoke } = machine.getStateNodeById(nodeId as string).config as { readonly invoke?: unknown }
    const config = (Array.isArray(invoke) ? invoke[Number(index)] : invoke) as { readonly src?: AnyActorLogic } | undefined
    return config?.src
  } catch {
    return undefined
  }
}

/** XState does not say what a logic is made from: a promise's is the one that takes this event for its end. */
function isPromise(logic: AnyActorLogic): boolean {
  const mark = {}
  try {
    const running = { status: 'active', output: undefined, error: undefined, input: undefined }
    const ended = logic.transition(running as never, { type: 'xstate.promise.resolve', data: mark } as never, { self: {} } as never)
    return (ended as { readonly output?: unknown }).output === mark
  } catch {
    return false
  }
}

const NONE: readonly string[] = []

/** Checks the option. Throws `CoreError` BAD_OPTION. */
export function resolveRetryable(retryable: Retryable | undefined): Retryable {
  if (retryable === undefined) return NONE
  if (retryable === 'all' || (Array.isArray(retryable) && retryable.every((name) => typeof name === 'string'))) return retryable
  throw new CoreError('BAD_OPTION', `retryable is ${quote(retryable)}: give a list of names, or 'all'`)
}
