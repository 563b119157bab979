import type { Clock, TraceContext } from '@stigmergy/grid'
import type { AnyActorRef, AnyEventObject } from 'xstate'
import type { Gate } from '../durability/gate.ts'
import type { Loops } from './loops.ts'
import type { MarkMachine } from './violation-marks.ts'

/** The agent a tree belongs to. */
export interface TreeRoot {
  readonly id: string
  readonly self: AnyActorRef
  readonly clock: Clock
  readonly gate: Gate | undefined
  readonly loops: Loops
  /** The same machine, which says when it enters a violation. */
  readonly marked: MarkMachine
  readonly logger: (...args: readonly unknown[]) => void
  /** The work that is running. */
  readonly trace: TraceContext | undefined
  /** What is done in `fn` is caused by that work. */
  because(trace: TraceContext | undefined, fn: () => void): void
  /** It, or one of its children, enters a violation. */
  enters(state: string): void
  /** One of its children says something. True if there is no room for it. */
  refuses(event: AnyEventObject): boolean
}
