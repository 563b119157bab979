import type { AgentRecord } from '../durability/record.ts'
import type { RestoredEvent } from '../durability/restored.ts'
import type { AgentEvent } from '../mailbox/envelope.ts'
import type { Crash, Origin } from './owner.ts'

/** What is known where an agent begins. */
interface Known {
  readonly record: AgentRecord | undefined
  /** What it has been sent is remembered from there, whatever it begins with. */
  readonly remembered: AgentRecord | undefined
  /** Undefined: it is spawned. */
  readonly crash: Crash | undefined
  readonly restarts: number
  /** A child's last word that it crashed on. */
  readonly lastWord: AgentEvent | undefined
}

/** Where an agent begins. One that had reached its end begins anew, and does not handle again what it has handled. Pure. */
export function originOf({ record, remembered, crash, restarts, lastWord }: Known): Origin {
  const stored = record?.snapshot.status === 'active' ? record : undefined
  const from = stored === undefined ? 'initial' : 'checkpoint'
  if (from === 'initial' && crash === undefined) return { remembered }
  const restored: RestoredEvent = { type: 'agent.restored', restarts, from }
  const first = lastWord === undefined || from === 'initial' ? [restored] : [restored, lastWord]
  return { stored, remembered, trace: crash?.trace, first }
}
