export { createSystem } from './system.ts'
export { type CutAgent, type DrainOptions, type DrainReport } from './supervision/drain.ts'
export { drainOnSignal, type DrainOnSignalOptions } from './supervision/drain-on-signal.ts'
export { type ActorSystem, type SystemOptions } from './actor-system.ts'
export { type CallOptions, type Dependency, type DependencyStats } from './dependencies/dependency.ts'
export { type DependencyOptions, type RetryOptions } from './dependencies/dependency-options.ts'
export { type BreakerOptions, type BreakerState } from './dependencies/breaker.ts'
export { type SpawnOptions } from './spawn.ts'
export { type AgentRef, type AskOptions, type ReplyTo, type SendOptions } from './agent.ts'
export type { AgentStatus } from './life/life-options.ts'
export { type Durability } from './life/owner.ts'
export { type GateOptions } from './durability/gate-options.ts'
export { command, put, send, type EffectAction, type EffectArgs } from './durability/effect.ts'
export { type EffectOrigin } from './durability/outbox.ts'
export { SeenEffects, type SeenRow } from './mailbox/seen.ts'
export { type Actuator, type CommandInfo } from './durability/doer.ts'
export type { RestoredEvent } from './durability/restored.ts'
export { type AgentEvent } from './mailbox/envelope.ts'
export { type MapEvent, type WatchBinding } from './world.ts'
export { type MailboxOptions, type Overflow } from './mailbox/mailbox.ts'
export { coalesce, type Coalesce, type Full } from './mailbox/coalesce.ts'
export { type MailboxState } from './mailbox/inbox-options.ts'
export { type QueueState } from './mailbox/event-queue.ts'
export { type DegradedEvent, type Need, type NeedState, type RecoveredEvent } from './dependencies/need.ts'
export { type NeedReport } from './dependencies/needs.ts'
export { type EndedEvent } from './supervision/death-watch.ts'
export { type SupervisionOptions } from './supervision/supervisor.ts'
export { child, type AgentSpec, type ChildOptions, type SupervisorRef, type SupervisorSpec } from './supervision/supervise.ts'
export { type Restart, type Strategy } from './supervision/strategy.ts'
export { type TreeNode } from './cell/child.ts'
export { type DeadLetters, type LetterFilter } from './mailbox/dead-letters.ts'
export { type WaitOptions } from './wait.ts'
export { memoryStore } from './durability/memory-store.ts'
export { type Fence, type Store, type StoreRecord } from './durability/store.ts'
export {
  type AgentInfo,
  type CoreHooks,
  type DeadLetter,
  type DeadLetterReason,
  type DependencyChange,
  type Failure,
  type TransitionEnd,
  type StateShape,
  type TransitionRecorder,
  type TransitionStart,
  type Violation,
} from './hooks.ts'
export { CORE_ERRORS, CoreError, isCoreError, type CoreErrorCode } from './errors.ts'
export { type Migration, type StoredState } from './durability/migration.ts'
export { type TimerPolicies, type TimerPolicy } from './cell/timer-policy.ts'
export { type Retryable } from './cell/interrupted.ts'
export { type CheckpointSpan } from './durability/checkpoint-options.ts'
export { type AgentKind } from './durability/agent-kind.ts'
export { checkStore, type CheckFailure, type CheckOptions, type StoreCheck } from './durability/check-store.ts'
