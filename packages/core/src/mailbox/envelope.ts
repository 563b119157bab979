import type { Entry, TraceContext } from '@stigmergy/grid'
import type { DeadLetterReason } from '../hooks.ts'
import type { EffectOrigin } from '../durability/outbox.ts'
import type { Question } from './question.ts'

/** Events as the runtime sees them; machines type theirs. */
export interface AgentEvent {
  readonly type: string
}

/** What an agent may be sent. XState's own events would start, stop or finish the machine behind our back. */
export function isSendable(event: unknown): event is AgentEvent {
  const type = (event as Partial<AgentEvent> | null | undefined)?.type as unknown
  return typeof type === 'string' && !type.startsWith('xstate.')
}

/** What travels to an agent: an event and what must be known about it. */
export interface Envelope {
  readonly event: AgentEvent
  /** The work that caused it. */
  readonly trace: TraceContext | undefined
  /** Monotonic ms of its acceptance; undefined while nobody wants to know. */
  readonly enqueuedAtMs: number | undefined
  /** Whoever cares about its fate: an asker, a world binding. */
  readonly sender: Sender | undefined
  /** Of an effect that may come twice: by it the repeat is told. */
  readonly origin?: EffectOrigin | undefined
  /** Tells the event from its repetitions. */
  readonly id: string | undefined
}

/** The one behind an envelope who cares about its fate. */
export interface Sender {
  /** False once the event means nothing any more: it is passed over in silence. */
  readonly live: boolean
  /** The event asks, and this is the question. */
  readonly question?: Question
  /** The event was dropped. True if the sender makes good for it, so that it is no dead letter. */
  lost(reason: DeadLetterReason): boolean
  /** Of a question: its event was handled, and it is not answered yet. */
  waits?(): void
  /** The event was handled; by an agent that is stored: the state that knows of it is committed. */
  handled?(): void
}

/** Sent by somebody, not a change of the world. */
export function isMessage({ sender, origin }: Envelope): boolean {
  return sender === undefined || sender.question !== undefined || origin !== undefined
}

/** When this process accepted the entry of a world change: monotonic ms. Undefined: it is none, or it says that an entry is gone. */
export function worldAtMs(envelope: Envelope): number | undefined {
  if (isMessage(envelope)) return undefined
  return (envelope.event as { readonly entry?: Entry<unknown> }).entry?.acceptedAtMs
}
