import type { TraceContext } from '@stigmergy/grid'
import type { AnyEventObject, AnyMachineSnapshot } from 'xstate'
import type { EffectData } from '../durability/outbox.ts'
import type { Audience } from '../life/audience.ts'

/** Whoever runs the machine. */
export interface HostOwner {
  /** The last good snapshot. */
  readonly snapshot: AnyMachineSnapshot
  /** What its own events do in `fn` is caused by that work. */
  because(trace: TraceContext | undefined, fn: () => void): void
  /** Handles one event, from outside, a child or a timer: they come one at a time. */
  handle(event: AnyEventObject): void
  /** Its machine, or one of its children's, enters a violation: in the step that is being decided, or between two. */
  enters(state: string): void
  /** Sends, writes or commands something of a machine in this tree. */
  dispatch(effect: EffectData): void
  refuses(event: AnyEventObject): boolean
  readonly audience: Audience
}
