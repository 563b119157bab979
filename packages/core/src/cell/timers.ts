import type { TraceContext } from '@stigmergy/grid'
import type { AnyActor, AnyActorRef, AnyEventObject, AnyMachineSnapshot } from 'xstate'
import type { Host } from './host.ts'
import type { Effect } from './step.ts'
import { keptOf, waitOf, type TimerClocks } from './timer-policy.ts'
import type { Tree } from './tree.ts'

const AFTER = 'xstate.after.'
const NONE: readonly PendingTimer[] = []

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
}

/** The delayed events that the agent and its children sent to themselves, `after` among them. */
export function pendingTimers(host: Host, clocks: TimerClocks): readonly PendingTimer[] {
  if (host.tree === undefined) return NONE
  const timers: PendingTimer[] = []
  let paths: ReadonlyMap<AnyActorRef, readonly string[]> | undefined
  for (const { source, target, event, delayMs, id, dueAtMs, trace } of host.tree.scheduled) {
    // A delayed event for somebody else cannot be kept: an actor's address does not survive its process.
    if (source !== target) continue
    let path: readonly string[] | undefined
    if (source !== host.self) {
      paths ??= new Map(machinesBelow(host.self, []))
      path = paths.get(source)
      if (path === undefined) continue
    }
    const timer = { id, event, delayMs, ...(trace && { trace }), ...(path && { path }) }
    timers.push({ ...timer, ...keptOf(timer, dueAtMs, clocks) })
  }
  return timers
}

/** The machines among the children of an actor and theirs, each with the ids that lead to it. */
function* machinesBelow(actor: AnyActorRef, path: readonly string[]): Iterable<[AnyActor, readonly string[]]> {
  const { children = {} } = (actor.getSnapshot() ?? {}) as { readonly children?: Readonly<Record<string, AnyActor | undefined>> }
  for (const [id, child] of Object.entries(children)) {
    if (child === undefined || (child.getSnapshot() as Partial<AnyMachineSnapshot> | undefined)?._nodes === undefined) continue
    const below = [...path, id]
    yield [child, below]
    yield* machinesBelow(child, below)
  }
}

/** True if the effects start or cancel a timer: then there is something new to keep, though the snapshot may be the same. */
export function moveTimers(effects: readonly Effect[]): boolean {
  return effects.some((effect) => {
    if (typeof effect === 'function') return false
    return effect.type === 'xstate.cancel' || typeof (effect.params as { delay?: unknown } | undefined)?.delay === 'number'
  })
}

/**
 * Starts the timers of a restored agent and of the machines among its children, each by its policy: XState restores
 * none of them, and an agent restored into a state with `after` would wait there for ever (I8). Throws what a delay throws.
 */
export function rearmTimers(host: Host, timers: readonly PendingTimer[], clocks: TimerClocks): void {
  for (const [machine, path] of [[host.self as AnyActor, []] as const, ...machinesBelow(host.self, [])]) {
    const own = timers.filter((timer) => (timer.path ?? []).join('\n') === path.join('\n'))
    rearmMachine(host.system, machine, own, clocks)
  }
}

function rearmMachine(tree: Tree, actor: AnyActor, timers: readonly PendingTimer[], clocks: TimerClocks): void {
  const snapshot = actor.getSnapshot() as AnyMachineSnapshot
  if (snapshot.status !== 'active') return
  const dueAtMs = (timer: PendingTimer): number => clocks.now() + waitOf(timer, clocks)
  const kept = new Map(timers.map((timer) => [timer.event.type, timer]))
  for (const node of snapshot._nodes) {
    const started = new Set<string>()
    for (const transition of node.after) {
      const event: AnyEventObject = { type: transition.eventType }
      if (started.has(event.type)) continue
      started.add(event.type)
      // As it was when it was armed: a delay may depend on an event that is gone. Older records have none.
      const known = kept.get(event.type)
      const delayMs = known?.delayMs ?? delayOf(actor, snapshot, transition.delay)
      // What is no number is no timer: so XState has it too.
      if (typeof delayMs !== 'number') continue
      const timer = known ?? { id: event.type, event, delayMs }
      tree.schedule(actor, actor, event, delayMs, event.type, dueAtMs(timer), timer.trace)
    }
  }
  for (const timer of timers) {
    const { id, event, delayMs, trace } = timer
    if (!event.type.startsWith(AFTER)) tree.schedule(actor, actor, event, delayMs, id, dueAtMs(timer), trace)
  }
}

function delayOf(actor: AnyActor, snapshot: AnyMachineSnapshot, delay: unknown): unknown {
  const config: unknown = typeof delay === 'string' ? snapshot.machine.implementations.delays[delay] : delay
  const args = { context: snapshot.context, event: { type: 'xstate.init' }, self: actor, system: actor.system }
  return typeof config === 'function' ? (config as (args: unknown) => unknown)(args) : config
}
