import type { AnyActor, AnyEventObject, AnyMachineSnapshot, AnyStateMachine } from 'xstate'
import type { Effect } from './step.ts'

/** A delayed event an agent sent to itself, as it is kept in a checkpoint. */
export interface PendingTimer {
  readonly id: string
  readonly event: AnyEventObject
  readonly delayMs: number
}

const AFTER = 'xstate.after.'

/** The delayed events the agent waits for, but those of `after`: they follow from the state. */
export function pendingTimers(actor: AnyActor): readonly PendingTimer[] {
  const timers: PendingTimer[] = []
  for (const { source, target, event, delay, id } of Object.values(actor.system.getSnapshot()._scheduledEvents)) {
    // A delayed event for somebody else cannot be kept: an actor's address does not survive its process.
    if (source !== actor || target !== actor || event.type.startsWith(AFTER)) continue
    timers.push({ id, event, delayMs: delay })
  }
  return timers
}

/** True if the effects start or cancel a timer: then there is something new to keep, though the snapshot may be the same. */
export function moveTimers(effects: readonly Effect[]): boolean {
  return effects.some((effect) => {
    if (typeof effect === 'function') return false
    return effect.type === 'xstate.cancel' || typeof (effect.params as { delay?: unknown } | undefined)?.delay === 'number'
  })
}

/**
 * Starts the timers of a restored agent, each with its whole delay: XState restores none of them,
 * and an agent restored into a state with `after` would wait there for ever (I8).
 */
export function rearmTimers(actor: AnyActor, machine: AnyStateMachine, timers: readonly PendingTimer[]): void {
  const { scheduler } = actor.system
  const snapshot = actor.getSnapshot() as AnyMachineSnapshot
  for (const node of snapshot._nodes) {
    const started = new Set<string>()
    for (const transition of node.after) {
      const { delay } = transition
      const event: AnyEventObject = { type: transition.eventType }
      if (started.has(event.type)) continue
      started.add(event.type)
      const config = typeof delay === 'string' ? machine.implementations.delays[delay] : delay
      const args = { context: snapshot.context, event: { type: 'xstate.init' }, self: actor, system: actor.system }
      const delayMs: unknown = typeof config === 'function' ? config(args as never, undefined as never) : config
      // What is no number is no timer: so XState has it too.
      if (typeof delayMs === 'number') scheduler.schedule(actor, actor, event, delayMs, event.type)
    }
  }
  for (const { id, event, delayMs } of timers) scheduler.schedule(actor, actor, event, delayMs, id)
}
