import type { TraceContext } from '@stigmergy/grid'
import type { AnyActor, AnyActorRef, AnyEventObject, AnyMachineSnapshot, AnyStateNode } from 'xstate'
import type { Host } from './host.ts'
import type { Effect } from './step.ts'
import { keptOf, type TimerClocks } from './timer-policy.ts'

/** A delayed event that an agent, or a machine among its children, waits for, as it is kept in a checkpoint. */
export interface PendingTimer {
  readonly id: string
  readonly event: AnyEventObject
  readonly delayMs: number
  /** What was left of the delay, or when it is due by the clock of the day: as its policy wants it. */
  readonly leftMs?: number
  readonly dueMs?: number
  /** The work that caused it. */
  readonly trace?: TraceContext
  /** Ids of the children from the agent down to the one that waits; absent: the agent itself. */
  readonly path?: readonly string[]
  /** The same of the one it is for; absent: the one that waits. */
  readonly to?: readonly string[]
  /** An `after` of the state it is in that has fired, and does not again. */
  readonly spent?: true
}

/** The delayed events that wait in an agent and its children, and the `after` of their states that have fired. */
export function pendingTimers(host: Host, clocks: TimerClocks): readonly PendingTimer[] {
  if (host.unarmed !== undefined) return host.unarmed
  const paths = new Map<AnyActorRef, readonly string[]>([[host.self, []], ...childrenBelow(host.self, [])])
  const timers: PendingTimer[] = []
  for (const { source, target, event, delayMs, id, dueAtMs, trace } of host.tree?.kept ?? []) {
    const path = paths.get(source)
    const to = paths.get(target)
    // One for somebody else cannot be kept: an actor's address does not survive its process.
    if (path === undefined || to === undefined) continue
    const timer = { id, event, delayMs, ...(trace && { trace }), ...withPath(path), ...(source !== target && { to }) }
    timers.push({ ...timer, ...keptOf(timer, dueAtMs, clocks) })
  }
  for (const [actor, path] of paths) timers.push(...spentBy(actor as AnyActor, path, timers))
  return timers
}

/** True if the agent waits for a delayed event, or has waited for one that does not come again in its state. On the path of every checkpoint. */
export function waitsFor(host: Host, { _nodes }: AnyMachineSnapshot): boolean {
  if (host.tree?.waiting === true || (host.unarmed !== undefined && host.unarmed.length > 0)) return true
  return host.unarmed === undefined && _nodes.some(mayWait)
}

/** XState works `after` out anew each time it is asked for, though there is none where none is declared. */
function mayWait(node: AnyStateNode): boolean {
  return node.config.after !== undefined && node.after.length > 0
}

function withPath(path: readonly string[]): { readonly path?: readonly string[] } {
  return path.length === 0 ? {} : { path }
}

function spentBy(actor: AnyActor, path: readonly string[], timers: readonly PendingTimer[]): readonly PendingTimer[] {
  const { _nodes: nodes = [], status } = (actor.getSnapshot() ?? {}) as Partial<AnyMachineSnapshot>
  // A child that is not started yet waits for nothing so far; one that has failed begins again.
  if (status !== 'active' || (actor as AnyActor & { readonly _processingStatus: number })._processingStatus !== STARTED) return []
  const types = new Set(nodes.flatMap((node) => node.after.map(({ eventType }) => eventType)))
  const waits = (type: string): boolean => timers.some((timer) => timer.event.type === type && isAt(timer, path))
  return [...types]
    .filter((type) => !waits(type))
    .map((type) => ({ id: type, event: { type }, delayMs: 0, spent: true, ...withPath(path) }))
}

/** As XState numbers it. */
export const STARTED = 1

/** True if it waits in the child that these ids lead to. */
export function isAt({ path = [] }: PendingTimer, at: readonly string[]): boolean {
  return path.length === at.length && path.every((id, index) => id === at[index])
}

/** The children of an actor and theirs, each with the ids that lead to it. */
export function* childrenBelow(actor: AnyActorRef, path: readonly string[]): Iterable<[AnyActor, readonly string[]]> {
  const { children = {} } = (actor.getSnapshot() ?? {}) as { readonly children?: Readonly<Record<string, AnyActor | undefined>> }
  for (const [id, child] of Object.entries(children)) {
    if (child === undefined) continue
    const below = [...path, id]
    yield [child, below]
    yield* childrenBelow(child, below)
  }
}

/** True if the effects start or cancel a timer: then there is something new to keep, though the snapshot may be the same. */
export function moveTimers(effects: readonly Effect[]): boolean {
  return effects.some((effect) => {
    if (typeof effect === 'function') return false
    return effect.type === 'xstate.cancel' || typeof (effect.params as { delay?: unknown } | undefined)?.delay === 'number'
  })
}
