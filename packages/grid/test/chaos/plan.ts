import type { Grid } from '@stigmergy/grid'
import type { HazelcastOptions } from '@stigmergy/grid/hazelcast'

/** What a worker process is told when it starts. */
export interface WorkerPlan {
  readonly name: string
  readonly role: string
  /** Of the role. */
  readonly args: unknown
  readonly hazelcast: HazelcastOptions
  /** Its connections go through this port of the loopback. @default they go straight to the members */
  readonly linkPort?: number
  /** Its wall clock is wrong by so much. @default 0 */
  readonly wallOffsetMs?: number
  /** Runs with the bug of `plantLowNumbers`. @default false */
  readonly planted?: boolean
}

export interface RoleContext {
  /** Aborts when the worker is to come to an end. */
  readonly signal: AbortSignal
  /** The worker does what it is for. */
  ready(): void
}

/** What a worker does. Its result is sent to the parent. */
export type Role<A, R> = (grid: Grid, args: A, context: RoleContext) => Promise<R>
