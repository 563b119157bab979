import type { AnyActorLogic, AnyActorRef, AnyActorScope, AnyEventObject, Snapshot } from 'xstate'
import { gateOf } from '../durability/effect.ts'
import { stopChildren } from './step.ts'
import { STARTED } from './timers.ts'

type Phase = 'waiting' | 'running' | 'over'

/** What XState has on an actor, though not in its types. */
interface Inside {
  _snapshot: object
  readonly _processingStatus: number
  _error(error: unknown): void
}

/**
 * Runs what a child had held back. If it throws, the child has failed, as an actor of XState whose action throws: its parent's `onError` is
 * told. Of a child that is over nobody would hear, so that is thrown.
 */
export function runHeld(child: AnyActorRef, fn: () => void): void {
  try {
    fn()
  } catch (error) {
    const inside = child as unknown as Inside
    if (inside._processingStatus !== STARTED) throw error
    const failed = inside._snapshot
    // XState leaves them running.
    stopChildren(failed)
    inside._snapshot = { ...failed, status: 'error', error }
    inside._error(error)
  }
}

/**
 * A promise, callback or observable as a child: it begins, is told and ends in order with the other effects of the agent, after the
 * commit of the state that wanted it (I2). What it says itself comes as an event, as ever.
 */
export function gateStarted(logic: AnyActorLogic): AnyActorLogic {
  const { start } = logic
  // A reducer, as of fromTransition: nothing of it leaves the agent.
  if (start === undefined) return logic
  const phases = new WeakMap<AnyActorRef, Phase>()
  const toldFromOutside = typeof (logic as { readonly config?: unknown }).config === 'function'

  return {
    ...logic,
    gates: logic,
    start(snapshot: Snapshot<unknown>, scope: AnyActorScope) {
      const { self } = scope
      phases.set(self, 'waiting')
      gateOf(self).hold(() => {
        if (phases.get(self) !== 'waiting') return
        phases.set(self, 'running')
        runHeld(self, () => start(snapshot, scope))
      })
    },
    transition(snapshot: Snapshot<unknown>, event: AnyEventObject, scope: AnyActorScope) {
      const { self } = scope
      const gate = gateOf(self)
      if (event.type === 'xstate.stop') {
        const stop = (): void => {
          if (phases.get(self) === 'running') logic.transition(snapshot, event, scope)
          phases.set(self, 'over')
        }
        gate.hold(stop, stop)
        return { ...snapshot, status: 'stopped', error: undefined, input: undefined }
      }
      if (!toldFromOutside || event.type.startsWith('xstate.')) return logic.transition(snapshot, event, scope) as Snapshot<unknown>
      gate.hold(() => {
        if (phases.get(self) === 'running') runHeld(self, () => logic.transition(snapshot, event, scope))
      })
      return snapshot
    },
  } as AnyActorLogic
}
