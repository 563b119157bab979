import type { TraceContext } from '@stigmergy/grid'
import type { AnyEventObject, Snapshot } from 'xstate'
import type { Audience } from './audience.ts'
import type { AgentEvent } from '../mailbox/envelope.ts'
import type { Gate } from '../durability/gate.ts'
import type { EffectData } from '../durability/outbox.ts'
import type { SeenRow } from '../mailbox/seen.ts'
import type { PendingTimer } from '../cell/timers.ts'
import type { Dozing } from '../cell/tree.ts'

export type Durability = 'none' | 'checkpoint' | 'gated'

/** A state that was stored. */
export interface Stored {
  readonly snapshot: Snapshot<unknown>
  readonly timers: readonly PendingTimer[]
  readonly seen?: readonly SeenRow[] | undefined
  readonly ids?: readonly string[] | undefined
}

/** What an agent that sleeps has in memory, besides its state. */
export interface Dreams {
  readonly dozing: Dozing
  readonly trace: TraceContext | undefined
  readonly audience?: Audience | undefined
}

/** Where a cell begins: at the machine's initial state, or at a stored one. */
export interface Origin {
  readonly stored?: Stored | undefined
  /** What is known of earlier activations, whatever became of their state. */
  readonly remembered?: Pick<Stored, 'seen' | 'ids'> | undefined
  /** What caused it to begin. */
  readonly trace?: TraceContext | undefined
  /** Told before anything else. */
  readonly first?: readonly AgentEvent[]
}

/** How a cell broke. The snapshot before the event is still its last good one. */
export interface Crash {
  readonly error: unknown
  readonly event: AgentEvent
  readonly trace: TraceContext | undefined
}

/** Whoever decides over a cell's life. */
export interface CellOwner {
  readonly restarts: number
  /** The one that runs. */
  readonly cell: object
  /** Where what belongs to a state waits for its commit; undefined: nothing is stored. */
  readonly keeping:
    | { readonly gate: Gate | undefined; readonly overrun: boolean; afterCommit(fn: () => void, dropped: () => void): void }
    | undefined
  /** So much waits for a commit that no event from outside is taken. */
  readonly full: boolean
  /** An effect that is data. */
  dispatch(effect: EffectData): void
  /** There is a new good snapshot. */
  changed(): void
  /** A step failed; for a moment the children and timers of the last good snapshot are still there. */
  breaking(event: AnyEventObject): void
  /** Nothing of it runs any more. */
  broken(crash: Crash): void
  /** It has reached a final state. */
  done(): void
  /** The events of this turn are handled. */
  rested(): void
}
