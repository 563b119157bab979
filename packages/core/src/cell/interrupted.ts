import type { AnyActorLogic, AnyActorRef, AnyStateMachine } from 'xstate'
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

/** Tells the machine that invoked it, as XState tells of a promise that has failed: `onError` gets a `CoreError` INTERRUPTED. */
export function tellInterrupted(root: AnyActorRef, agentId: string, { path, id, src }: Interrupted): void {
  let actor: AnyActorRef | undefined = root
  for (const step of path)
    actor = (actor?.getSnapshot() as { readonly children?: Record<string, AnyActorRef> } | undefined)?.children?.[step]
  const what = `${quote(id)} (${src}) of agent ${quote(agentId)}`
  const error = new CoreError('INTERRUPTED', `the promise ${what} was running when the agent stopped: how it ended is not known`)
  const event = { type: `xstate.error.actor.${id}`, error, actorId: id }
  ;(actor as (AnyActorRef & { _send(event: object): void }) | undefined)?._send(event)
}

const INLINE = /^xstate\.invoke\.(\d+)\.(.*)/

/** As XState finds what a child is made of. */
function logicOf(machine: AnyStateMachine, src: string): AnyActorLogic | undefined {
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
