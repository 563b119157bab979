import type { Clock, Grid, GridMap } from '@stigmergy/grid'
import type { Authority } from '@stigmergy/grid/store'
import type { AnyStateMachine } from 'xstate'
import type { AgentRef, SendOptions } from './agent.ts'
import type { TreeNode } from './cell/child.ts'
import type { DeadLetters } from './mailbox/dead-letters.ts'
import type { Dependency } from './dependencies/dependency.ts'
import type { DependencyOptions } from './dependencies/dependency-options.ts'
import type { Actuator } from './durability/doer.ts'
import type { DrainOptions, DrainReport } from './supervision/drain.ts'
import type { AgentEvent } from './mailbox/envelope.ts'
import type { CoreHooks } from './hooks.ts'
import type { MailboxOptions } from './mailbox/mailbox.ts'
import type { NoOptions, NoneGiven, RequiredInput, SpawnOptions } from './spawn.ts'
import type { Store } from './durability/store.ts'
import type { SupervisorRef, SupervisorSpec } from './supervision/supervise.ts'
import type { SupervisionOptions } from './supervision/supervisor.ts'

export interface SystemOptions {
  readonly grid: Grid
  /** Where checkpoints go. One that is given is not closed with the system. @default memoryStore() */
  readonly store?: Store
  /** How long the store may take to answer, in milliseconds. @default 10_000 */
  readonly storeTimeoutMs?: number
  /**
   * Who may run an agent that is stored. Its activation then holds a lease named `agent/<id>`, and commits with the fence of that
   * lease. When the lease is over, by this process's own clock, the agent stops and is not restarted here (I1).
   * @default none: whoever claims an agent last has it
   */
  readonly authority?: Authority
  /** How long a lease lasts that is not renewed, in milliseconds; it is renewed every third of that. @default 10_000 */
  readonly leaseMs?: number
  /** How long `spawn` waits for the lease of another process, which may have died, in milliseconds. @default 0 */
  readonly leaseWaitMs?: number
  /** What `command` moves, by name. */
  readonly actuators?: Readonly<Record<string, Actuator>>
  /**
   * Which map a name means for `put`, before all else: to guard it, to have it in another grid, to say which of several it is.
   * @default the map that `put` was given; in a later process the one of that name (see `put`)
   */
  readonly maps?: (name: string) => GridMap<unknown> | undefined
  /** @default grid.clock */
  readonly clock?: Clock
  /** Milliseconds of the day, such as `Date.now`: for timers with the policy `due`. @default none: that policy is refused */
  readonly wallNow?: () => number
  readonly hooks?: CoreHooks
  /** Numbers in [0, 1) for the jitter of backoff. @default Math.random */
  readonly random?: () => number
  /** A name that no other system has: by it the store tells who wrote a state (I1). @default crypto.randomUUID */
  readonly ids?: () => string
  /** For agents that do not say otherwise. */
  readonly mailbox?: MailboxOptions
  /** For agents that do not say otherwise. */
  readonly supervision?: SupervisionOptions
  /** Dead letters kept, and as many that an agent crashed on; older ones are dropped and counted. @default 1000 */
  readonly deadLetters?: number
}

/** The agents of a process. */
export interface ActorSystem {
  readonly grid: Grid
  readonly clock: Clock
  /** Ids of the agents that have not ended, in order of their spawn. */
  readonly agents: readonly string[]
  /**
   * Starts an agent. Throws `CoreError` BAD_MACHINE, BAD_OPTION, AGENT_EXISTS, START_FAILED, CLOSED,
   * or why the store refuses (STORE_...).
   */
  spawn<TLogic extends AnyStateMachine, TWorld extends Readonly<Record<string, unknown>> = Readonly<Record<string, unknown>>>(
    machine: TLogic,
    options: (SpawnOptions<TLogic, TWorld> & RequiredInput<TLogic>) | NoneGiven<TLogic>,
  ): Promise<AgentRef<TLogic>>
  spawn<TLogic extends AnyStateMachine>(machine: TLogic, ...none: NoOptions<TLogic>): Promise<AgentRef<TLogic>>
  /**
   * Starts a supervisor and its children, in order; if one does not start, those before it are stopped. Throws what `spawn` throws.
   * `system.supervise({ id: 'cell', strategy: 'rest-for-one', children: [child(camera, { id: 'camera' }), child(planner)] })`
   */
  supervise(spec: SupervisorSpec): Promise<SupervisorRef>
  /** The supervisor of that id, unless it has ended. */
  supervisor(id: string): SupervisorRef | undefined
  /** The supervisors that have none above them, with all below them. */
  trees(): readonly TreeNode[]
  /** The agent of that id, unless it has ended. */
  agent(id: string): AgentRef<AnyStateMachine> | undefined
  /**
   * Stores the state of every agent that has changed since its last checkpoint, together, and resolves to their number once all are
   * stored. Rejects with `CoreError` NOT_STORED, which names those that are not; its `cause` is why the first one is not.
   */
  checkpoint(): Promise<number>
  /** Sends to an agent by id; an unknown id becomes a dead letter and returns false. */
  send<TEvent extends AgentEvent>(id: string, event: TEvent, options?: SendOptions): boolean
  /** As `AgentRef.watch`, by id, also in an agent's first step. */
  watch(watcher: string, watched: string): () => void
  readonly deadLetters: DeadLetters
  /**
   * The dependency of that name, made at the first call; all who use it share it. Options are given once. Throws `CoreError`
   * BAD_OPTION. `const plan = system.dependency('planner-api', { timeoutMs: 200 }).fromPromise(({ input, signal }) => ...)`
   */
  dependency(name: string, options?: DependencyOptions): Dependency
  readonly dependencies: readonly Dependency[]
  /** Answers that came after their asker had gone, or after another answer. */
  readonly lateReplies: number
  /** Effects that came a second time, or from an activation that was replaced, and were passed over. */
  readonly repeats: number
  /** Adds an observer; a hook that throws is counted and otherwise ignored (I7). Returns its removal. */
  use(hooks: CoreHooks): () => void
  /** Errors thrown by hooks and listeners so far. */
  readonly guestErrors: number
  /**
   * Closes in good order: new work from outside is refused, what waits and every promise under way is finished, the last states are
   * written, and the agents are stopped in reverse order of their start. What is not finished in time is cut, and told. Never rejects
   * but for bad options. `drainOnSignal` does it on SIGTERM.
   */
  drain(options?: DrainOptions): Promise<DrainReport>
  /**
   * Stops the agents in reverse order of their spawn and writes their last states. Afterwards nothing is pending.
   * Rejects with `CoreError` CLOSE_TIMEOUT if the store does not answer in time; all is stopped then as well.
   * @default timeoutMs 5000
   */
  close(options?: { readonly timeoutMs?: number }): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
