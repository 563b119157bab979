import type { Clock, Entry, Grid, GridMap, TraceContext } from '@stigmergy/grid'
import type { AnyStateMachine, EventFromLogic, InputFrom, SnapshotFrom } from 'xstate'
import type { CoreHooks, DeadLetter } from './hooks.ts'
import type { Store } from './store.ts'

/** CONTRACT DRAFT: move each type beside the code that owns it. */

/** A change of a watched map as an event. `name` is the key of the agent's `watch` option. */
export type MapEvent<TName extends string, V> =
  | { readonly type: `${TName}.put`; readonly key: string; readonly value: V; readonly entry: Entry<V>; readonly previous: Entry<V> | undefined }
  | { readonly type: `${TName}.remove`; readonly key: string; readonly previous: Entry<V> }
  | { readonly type: `${TName}.expire`; readonly key: string; readonly previous: Entry<V> }
  /** Changes may have been missed. A put for every present entry follows it. */
  | { readonly type: `${TName}.resync`; readonly reason: string; readonly keys: readonly string[] }

/** Sent to an agent that was restarted after a failure, after its state was restored and before any other event. */
export interface RestoredEvent {
  readonly type: 'agent.restored'
  readonly restarts: number
  readonly from: 'checkpoint' | 'initial'
}

export interface SystemOptions {
  readonly grid: Grid
  /** Where checkpoints go. @default memoryStore() */
  readonly store?: Store
  /** @default grid.clock */
  readonly clock?: Clock
  readonly hooks?: CoreHooks
  /** Numbers in [0, 1) for the jitter of backoff. @default Math.random */
  readonly random?: () => number
  readonly mailbox?: MailboxOptions
  readonly supervision?: SupervisionOptions
  /** Dead letters kept for inspection; older ones are dropped and counted. @default 1000 */
  readonly deadLetters?: number
}

export interface MailboxOptions {
  /** @default 1024 */
  readonly capacity?: number
  /** What to do with an event that finds the mailbox full. @default 'reject' */
  readonly overflow?: 'reject' | 'drop-oldest' | 'drop-newest'
}

/** One-for-one. Names and defaults after Erlang/OTP's supervisor (intensity in period) and Akka's backoff. */
export interface SupervisionOptions {
  /** Restarts allowed within `withinMs`; one more and the agent is stopped for good. @default 5 */
  readonly maxRestarts?: number
  /** @default 10_000 */
  readonly withinMs?: number
  readonly backoff?: {
    /** @default 10 */ readonly minMs?: number
    /** @default 5_000 */ readonly maxMs?: number
    /** @default 2 */ readonly factor?: number
    /** Part of the delay that is random. @default 0.2 */ readonly jitter?: number
  }
}

export interface WatchBinding<V> {
  readonly map: GridMap<V>
  readonly where?: (entry: Entry<V>) => boolean
  readonly coalesce?: boolean
}

export interface SpawnOptions<TLogic extends AnyStateMachine> {
  /** Unique in the system. @default machine.id with a number */
  readonly id?: string
  /** @default machine.id */
  readonly type?: string
  readonly stage?: string
  readonly input?: InputFrom<TLogic>
  /** Maps whose changes become this agent's events; the present entries come first, as puts. */
  readonly watch?: Readonly<Record<string, GridMap<any> | WatchBinding<any>>>
  /** @default 'none' */
  readonly durability?: 'none' | 'checkpoint'
  readonly mailbox?: MailboxOptions
  readonly supervision?: SupervisionOptions
}

/** Where an asked agent sends its answer. */
export interface ReplyTo<R> {
  send(reply: R): void
}

export interface AgentRef<TLogic extends AnyStateMachine> {
  readonly id: string
  readonly type: string
  readonly status: 'running' | 'restarting' | 'stopped' | 'done' | 'failed'
  readonly snapshot: SnapshotFrom<TLogic>
  readonly restarts: number
  /** True if accepted into the mailbox. Never throws, never waits. */
  send(event: EventFromLogic<TLogic>, options?: { readonly trace?: TraceContext }): boolean
  /** Sends the event made with `replyTo` and waits for the answer. Throws `CoreError` ASK_TIMEOUT or AGENT_STOPPED. @default timeoutMs 1000 */
  ask<R>(make: (replyTo: ReplyTo<R>) => EventFromLogic<TLogic>, options?: { readonly timeoutMs?: number; readonly signal?: AbortSignal }): Promise<R>
  /** Waits for a snapshot that satisfies the predicate. @default timeoutMs 5000 */
  until(predicate: (snapshot: SnapshotFrom<TLogic>) => boolean, options?: { readonly timeoutMs?: number; readonly signal?: AbortSignal }): Promise<SnapshotFrom<TLogic>>
  subscribe(listener: (snapshot: SnapshotFrom<TLogic>) => void): () => void
  stop(): Promise<void>
}

export interface ActorSystem {
  readonly grid: Grid
  readonly clock: Clock
  readonly agents: readonly string[]
  spawn<TLogic extends AnyStateMachine>(machine: TLogic, options?: SpawnOptions<TLogic>): Promise<AgentRef<TLogic>>
  agent(id: string): AgentRef<AnyStateMachine> | undefined
  /** Sends to an agent by id; an unknown id becomes a dead letter and returns false. */
  send(id: string, event: { readonly type: string }, options?: { readonly trace?: TraceContext }): boolean
  readonly deadLetters: { readonly recent: readonly DeadLetter[]; readonly count: number; readonly dropped: number }
  use(hooks: CoreHooks): () => void
  readonly guestErrors: number
  close(options?: { readonly timeoutMs?: number }): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
