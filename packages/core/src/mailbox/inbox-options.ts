import type { Need } from '../dependencies/need.ts'
import type { AnyMachineSnapshot } from 'xstate'
import type { QueueState } from './event-queue.ts'
import type { AgentInfo } from '../hooks.ts'
import type { ResolvedMailboxOptions } from './mailbox.ts'
import type { StashWhile } from './stash.ts'
import type { WatchBinding } from '../world.ts'

export interface InboxOptions {
  readonly agent: AgentInfo
  readonly mailbox: ResolvedMailboxOptions
  readonly watch: ReadonlyMap<string, WatchBinding<unknown>>
  readonly stash: StashWhile | undefined
  readonly needs: ReadonlyMap<string, Need> | undefined
}

/** Whose inbox it is. */
export interface InboxOwner {
  /** The agent's present state. */
  readonly snapshot: AnyMachineSnapshot
  /** Something has arrived. */
  wake(): void
}

/** What waits for an agent, and what was not taken a second time. */
export interface MailboxState extends QueueState {
  /** Events of the system that wait. */
  readonly system: number
  /** Events that are set aside. */
  readonly stashed: number
  /** Events that came again under an id that was known. */
  readonly repeated: number
}
