import type { TraceContext } from '@stigmergy/grid'

/** An agent as telemetry names it. */
export interface AgentInfo {
  readonly id: string
  /** Kind of agent, low cardinality; by default the machine's id. */
  readonly type: string
  /** Part of the decision pipeline this agent does (`perception`, `planning`, ...), or undefined. */
  readonly stage: string | undefined
}

/** One macrostep of an agent, told when it begins. */
export interface TransitionStart {
  readonly agent: AgentInfo
  /** Type of the event. */
  readonly event: string
  /** Context that came with the event: the cause. For the agent's own timers and children, that of its last event from outside. */
  readonly trace: TraceContext | undefined
  /** Monotonic ms: when the event was accepted into the mailbox (own timers and children: the same), and when its transition began. */
  readonly enqueuedAtMs: number
  readonly startedAtMs: number
  /** How often this agent was restarted before. */
  readonly restarts: number
}

/** The same macrostep, told when its effects have run or it failed. */
export interface TransitionEnd extends TransitionStart {
  readonly endedAtMs: number
  /** State values as text: `idle`, `{"picking":"reach"}`. */
  readonly from: string
  readonly to: string
  readonly tagsBefore: ReadonlySet<string>
  readonly tagsAfter: ReadonlySet<string>
  readonly error: unknown
  /** What `onTransitionStart` of these hooks returned; where it returned nothing, the context under which the actions ran, if another did. */
  readonly context: TraceContext | undefined
  /** Nothing came of the event: the state and the context are the same, and no action ran. So of one that no transition or guard takes. */
  readonly ignored: boolean
  /**
   * The event says that an entry of a watched map was put: when this process accepted that entry, monotonic ms, which can be long before
   * the agent is told of it. Undefined: it says nothing of the kind.
   */
  readonly worldAtMs: number | undefined
}

/**
 * Why an event reached nobody: no such agent, an agent that has ended, a full mailbox or stash, an agent that crashed on it (as often as
 * it may), an id that the agent has crashed on before, a system that is being drained, no event at all (no `type`, or one of
 * XState's own that begin with `xstate.`), an effect that could not be done, or the end of an interrupted promise that no `onError` takes.
 */
export type DeadLetterReason =
  | 'unknown-agent'
  | 'stopped'
  | 'mailbox-full'
  | 'stash-full'
  | 'crashed'
  | 'quarantined'
  | 'draining'
  | 'bad-event'
  | 'undeliverable'
  | 'interrupted'

/** An event that reached nobody. */
export interface DeadLetter {
  /** Its number in this system, from 1 on. */
  readonly seq: number
  readonly agentId: string
  readonly event: { readonly type: string }
  readonly reason: DeadLetterReason
  readonly atMs: number
  /** The work that caused the event. */
  readonly trace: TraceContext | undefined
  /** Id of the event, if its sender gave one. */
  readonly id: string | undefined
}

/** The breaker of a dependency changed its state; or its system was closed, when nobody depends on it any more: then `to` is `closed`. */
export interface DependencyChange {
  readonly name: string
  readonly from: 'closed' | 'open' | 'half-open'
  readonly to: 'closed' | 'open' | 'half-open'
  readonly atMs: number
  /** What opened it. */
  readonly error: unknown
}

/** An agent failed. */
export interface Failure {
  readonly agent: AgentInfo
  readonly error: unknown
  readonly event: string
  readonly trace: TraceContext | undefined
  readonly decision:
    | { readonly type: 'restart'; readonly delayMs: number; readonly restarts: number }
    | { readonly type: 'escalate' | 'stop' }
}

/**
 * The cheap form of `onTransitionStart` and `onTransitionEnd`: the same facts as plain arguments, so that a transition makes no objects
 * for its observer. Meant for what records every transition of a process.
 */
export interface TransitionRecorder {
  /** May return the context under which the transition's actions run. */
  start(
    agent: AgentInfo,
    event: string,
    trace: TraceContext | undefined,
    enqueuedAtMs: number,
    startedAtMs: number,
    restarts: number,
  ): TraceContext | undefined
  /**
   * `context`: what `start` of this recorder returned, else that under which the actions ran. `from` and `to`: state values as text.
   * `ignored` and `worldAtMs`: as of {@link TransitionEnd}; core always gives the first. @default false
   */
  end(
    agent: AgentInfo,
    event: string,
    trace: TraceContext | undefined,
    enqueuedAtMs: number,
    startedAtMs: number,
    restarts: number,
    endedAtMs: number,
    from: string,
    to: string,
    tagsBefore: ReadonlySet<string>,
    tagsAfter: ReadonlySet<string>,
    error: unknown,
    context: TraceContext | undefined,
    ignored?: boolean,
    worldAtMs?: number,
  ): void
}

/** A state of a machine as it was written: its tags, what it invokes, and the states in it. */
export interface StateShape {
  readonly tags: readonly string[]
  readonly invoke: readonly { readonly id: string }[]
  readonly states: Readonly<Record<string, StateShape>>
}

/** A state tagged `violation` was entered. */
export interface Violation {
  /** Its path: `picking.reach`; of the root state, the id of the machine. Of a child of the agent with the id of that: `gripper/closed`. */
  readonly state: string
  /** As `context` of the transition that enters it; of an agent that is restarted there, the trace it failed in. */
  readonly trace: TraceContext | undefined
}

/** What telemetry may see of the actors. Synchronous, short, and unable to change anything: a hook that throws is counted and ignored (I7). */
export interface CoreHooks {
  /** Where given, it is told of transitions, and `onTransitionStart` and `onTransitionEnd` of the same hooks are not. */
  readonly transitions?: TransitionRecorder
  /** May return the context under which the transition's actions run: their sends and grid writes carry it. Of several, the last one's. */
  onTransitionStart?(start: TransitionStart): TraceContext | undefined
  onTransitionEnd?(end: TransitionEnd): void
  /**
   * `handles`: types of the events that its machine has transitions for, those of what it invokes among them. `root`: the machine's root
   * state. Both are the same objects for a machine.
   */
  onSpawn?(agent: AgentInfo, handles?: readonly string[], root?: StateShape): void
  /**
   * The agent's machine, or one that it invokes or spawns, enters a state tagged `violation`: told as it does, before the state's entry
   * actions run. So also where that state is left again in the same macrostep, and where the entry throws. Also of the state that an agent begins with, but
   * not of one that is restored: that was told when it was entered.
   */
  onViolation?(agent: AgentInfo, violation: Violation): void
  /**
   * The agent's first actions are about to run: those of the states it begins with, at its spawn and at each restart. They are no
   * transition. `trace`: of a restart, the one it failed in.
   */
  onStarting?(agent: AgentInfo, trace: TraceContext | undefined): void
  /** They have run, or one threw. What they begin (promises, timers) goes on. */
  onStarted?(agent: AgentInfo, trace: TraceContext | undefined): void
  onStop?(agent: AgentInfo, reason: 'stopped' | 'done' | 'failed'): void
  onFailure?(failure: Failure): void
  /** A supervisor starts, and again with each restart of it by the one above. */
  onSupervisor?(supervisor: string): void
  /** A supervisor gave up on a child: the one above decides. Undefined: there is none, and all its children are stopped. */
  onEscalation?(escalation: { readonly supervisor: string; readonly child: string; readonly to: string | undefined }): void
  onDependency?(change: DependencyChange): void
  /** A need of the agent stands otherwise. `latched`: it is met, and waits to be acknowledged. */
  onNeed?(agent: AgentInfo, need: string, state: 'met' | 'degraded' | 'latched'): void
  onRestart?(agent: AgentInfo, restarts: number, from: 'checkpoint' | 'initial'): void
  onCheckpoint?(agent: AgentInfo, rev: number, bytes: number): void
  /** The store failed, or the state cannot be stored. Errors of the store are followed by another try. */
  onCheckpointError?(agent: AgentInfo, error: unknown): void
  onDeadLetter?(letter: DeadLetter): void
}
