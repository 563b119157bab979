import type { AnyActor, AnyActorRef, AnyEventObject, AnyMachineSnapshot } from 'xstate'
import type { Host } from './host.ts'
import type { Effect } from './step.ts'

const AFTER = 'xstate.after.'

/** A delayed event that an agent, or a machine among its children, waits for, as it is kept in a checkpoint. */
export interface PendingTimer {
  readonly id: string
  readonly event: AnyEventObject
  readonly delayMs: number
  /** Ids of the children from the agent down to the one that waits; absent: the agent itself. */
  readonly path?: readonly string[]
}

/** The delayed events that the agent and its children sent to themselves, `after` among them. */
export function pendingTimers(host: Host): readonly PendingTimer[] {
  if (host.tree === undefined) return []
  const timers: PendingTimer[] = []
  let paths: ReadonlyMap<AnyActorRef, readonly string[]> | undefined
  for (const { source, target, event, delayMs, id } of host.tree.scheduled) {
    // A delayed event for somebody else cannot be kept: an actor's address does not survive its process.
    if (source !== target) continue
    if (source === host.self) timers.push({ id, event, delayMs })
    else {
      paths ??= new Map(machinesBelow(host.self, []))
      const path = paths.get(source)
      if (path !== undefined) timers.push({ id, event, delayMs, path })
    }
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
 * Starts the timers of a restored agent and of the machines among its children, each with its whole delay: XState restores
 * none of them, and an agent restored into a state with `after` would wait there for ever (I8). Throws what a delay throws.
 */
export function rearmTimers(host: Host, timers: readonly PendingTimer[]): void {
  for (const [machine, path] of [[host.self as AnyActor, []] as const, ...machinesBelow(host.self, [])]) {
    const own = timers.filter((timer) => (timer.path ?? []).join('\n') === path.join('\n'))
    rearmMachine(machine, own)
  }
}

function rearmMachine(actor: AnyActor, timers: readonly PendingTimer[]): void {
  const { scheduler } = actor.system
  const snapshot = actor.getSnapshot() as AnyMachineSnapshot
  if (snapshot.status !== 'active') return
  const kept = new Map(timers.map((timer) => [timer.event.type, timer.delayMs]))
  for (const node of snapshot._nodes) {
    const started = new Set<string>()
    for (const transition of node.after) {
      const event: AnyEventObject = { type: transition.eventType }
      if (started.has(event.type)) continue
      started.add(event.type)
      // As it was when it was armed: a delay may depend on an event that is gone. Older records have none.
      const delayMs = kept.get(event.type) ?? delayOf(actor, snapshot, transition.delay)
      // What is no number is no timer: so XState has it too.
      if (typeof delayMs === 'number') scheduler.schedule(actor, actor, event, delayMs, event.type)
    }
  }
  for (const { id, event, delayMs } of timers) if (!event.type.startsWith(AFTER)) scheduler.schedule(actor, actor, event, delayMs, id)
}

function delayOf(actor: AnyActor, snapshot: AnyMachineSnapshot, delay: unknown): unknown {
  const config: unknown = typeof delay === 'string' ? snapshot.machine.implementations.delays[delay] : delay
  const args = { context: snapshot.context, event: { type: 'xstate.init' }, self: actor, system: actor.system }
  return typeof config === 'function' ? (config as (args: unknown) => unknown)(args) : config
}
