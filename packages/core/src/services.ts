import type { Clock, Grid } from '@stigmergy/grid'
import type { AnyStateMachine } from 'xstate'
import type { Frames } from './cell/cause.ts'
import type { DeadLetterBox } from './mailbox/dead-letters.ts'
import type { Deadlines } from './deadlines.ts'
import type { Guests } from './guests.ts'
import type { HostEnvironment } from './cell/host.ts'
import type { Life } from './life/life.ts'
import type { Doer } from './durability/outbox.ts'
import type { GaugeServices } from './dependencies/need.ts'
import type { Pump } from './cell/pump.ts'
import type { Turn } from './mailbox/question.ts'
import type { RecordCodec } from './durability/record-codec.ts'
import type { SleepRules } from './life/sleep-rules.ts'
import type { StoreAccess } from './durability/store-access.ts'
import type { TakeTenure } from './life/tenure.ts'

/** What the agents of a system share. */
export interface Services {
  readonly grid: Grid
  readonly clock: Clock
  readonly environment: HostEnvironment
  readonly codec: RecordCodec
  readonly guests: Guests
  readonly pump: Pump
  readonly deadLetters: DeadLetterBox
  /** The same machine, whose children hold back what leaves the agent. */
  readonly gated: (machine: AnyStateMachine) => AnyStateMachine
  readonly doer: Doer
  /** The way to the store. */
  readonly access: StoreAccess
  /** Undefined: whoever claims an agent last has it. */
  readonly takeTenure: TakeTenure | undefined
  /** An owner of what one activation writes. Nobody else ever has it. */
  readonly newOwner: () => string
  readonly deadlines: Deadlines
  /** Those that keep no process alive. */
  readonly idling: Deadlines
  readonly random: () => number
  /** Counts an effect that came twice, or from a replaced activation. */
  repeated(): void
  /** Counts an answer that came after its asker had gone. */
  lateReply(): void
  readonly sleepRules: SleepRules
  /** What needs are judged by. */
  readonly gauges: GaugeServices
  readonly frames: Frames
  /** Whose step is running. */
  readonly turn: Turn
  /** False for what comes from outside while the system is drained. `from`: the agent that sends. */
  admits(from: string | undefined): boolean
  /** An agent is over. */
  ended(life: Life): void
  /** See `AgentRef.watch`. */
  watch(watcher: Life, watched: string): () => void
}
