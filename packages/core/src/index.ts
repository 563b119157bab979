export { createSystem } from './system.ts'
export { type CutAgent, type DrainOptions, type DrainReport } from './drain.ts'
export { drainOnSignal, type DrainOnSignalOptions } from './drain-on-signal.ts'
export { type ActorSystem, type SystemOptions } from './actor-system.ts'
export { type CallOptions, type Dependency, type DependencyStats } from './dependency.ts'
export { type DependencyOptions, type RetryOptions } from './dependency-options.ts'
export { type BreakerOptions, type BreakerState } from './breaker.ts'
export { type SpawnOptions } from './spawn.ts'
export { type AgentRef, type AskOptions, type ReplyTo, type SendOptions } from './agent.ts'
export type { AgentStatus } from './life-options.ts'
export { type Durability } from './owner.ts'
export { type GateOptions } from './gate-options.ts'
export { command, put, send, type EffectAction, type EffectArgs } from './effect.ts'
export { type EffectOrigin } from './outbox.ts'
export { SeenEffects, type SeenRow } from './seen.ts'
export { type Actuator, type CommandInfo } from './doer.ts'
export type { RestoredEvent } from './restored.ts'
export { type AgentEvent } from './envelope.ts'
export { type MapEvent, type WatchBinding } from './world.ts'
export { type MailboxOptions, type Overflow } from './mailbox.ts'
export { coalesce, type Coalesce, type Full } from './coalesce.ts'
export { type MailboxState } from './inbox-options.ts'
export { type QueueState } from './event-queue.ts'
export { type DegradedEvent, type Need, type NeedState, type RecoveredEvent } from './need.ts'
export { type NeedReport } from './needs.ts'
export { type EndedEvent } from './death-watch.ts'
export { type SupervisionOptions } from './supervisor.ts'
export { child, type AgentSpec, type ChildOptions, type SupervisorRef, type SupervisorSpec } from './supervise.ts'
export { type Restart, type Strategy } from './strategy.ts'
export { type TreeNode } from './child.ts'
export { type DeadLetters, type LetterFilter } from './dead-letters.ts'
export { type WaitOptions } from './wait.ts'
export { memoryStore } from './memory-store.ts'
export { type Fence, type Store, type StoreRecord } from './store.ts'
export {
  type AgentInfo,
  type CoreHooks,
  type DeadLetter,
  type DeadLetterReason,
  type DependencyChange,
  type Failure,
  type TransitionEnd,
  type TransitionRecorder,
  type TransitionStart,
} from './hooks.ts'
export { CORE_ERRORS, CoreError, isCoreError, type CoreErrorCode } from './errors.ts'
export { type Migration, type StoredState } from './migration.ts'
export { type TimerPolicies, type TimerPolicy } from './timer-policy.ts'
export { type Retryable } from './interrupted.ts'
export { type CheckpointSpan } from './checkpoint-options.ts'
export { type AgentKind } from './agent-kind.ts'
export { checkStore, type CheckFailure, type CheckOptions, type StoreCheck } from './check-store.ts'
