import type { AnyStateMachine } from 'xstate'
import type { InboxOptions } from '../mailbox/inbox-options.ts'
import type { Durability } from '../life/owner.ts'
import type { Retryable } from './interrupted.ts'
import type { TimerClocks } from './timer-policy.ts'

export interface CellOptions extends InboxOptions {
  readonly machine: AnyStateMachine
  readonly input: unknown
  readonly durability: Durability
  readonly timers: TimerClocks
  readonly retryable: Retryable
}
