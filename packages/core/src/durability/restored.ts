import type { AnyEventObject } from 'xstate'
import type { AgentEvent } from '../mailbox/envelope.ts'
import { isCoreError } from '../errors.ts'
import type { Crash } from '../life/owner.ts'

/** Sent to an agent whose state was restored, before anything from its mailbox and its children. */
export interface RestoredEvent {
  readonly type: 'agent.restored'
  /** How often it was restarted in this process; 0 if it was restored when it was spawned. */
  readonly restarts: number
  readonly from: 'checkpoint' | 'initial'
}

/** Why an agent is restarted that did not crash itself: a sibling did. */
export const SUSPENDED: Crash = { error: undefined, event: { type: 'agent.suspended' }, trace: undefined }

/** The child an event of XState speaks of. */
export function childOf(event: AgentEvent, type: 'error' | 'done'): string | undefined {
  if (!event.type.startsWith(`xstate.${type}.actor.`)) return undefined
  return (event as AnyEventObject)['actorId'] as string | undefined
}

/**
 * True if the agent broke because it was restored: on the news of it, or on its first effects. Not on a promise that was interrupted: from an
 * older state, or from the beginning, it would be run again.
 */
export function brokeOnRestore({ event, error }: Crash): boolean {
  return (event.type === 'agent.restored' || event.type === 'xstate.init') && !isCoreError(error, 'INTERRUPTED')
}
