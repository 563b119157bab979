import type { Kept, KeepingOptions } from './kept.ts'
import type { OutboxEntry } from './outbox.ts'
import type { RecordCodec } from './record-codec.ts'

/**
 * An agent's state as it is stored: the short way if it is nothing but a state and a context, as most are.
 * Throws `CoreError` BAD_STATE if it cannot be stored.
 */
export function encodeState(
  { agent, machine }: KeepingOptions,
  codec: RecordCodec,
  cell: Kept['cell'],
  outbox: { readonly seq: number; take(): readonly OutboxEntry[] } | undefined,
  failedChild: string | undefined,
): Uint8Array {
  const seq = outbox?.seq ?? 0
  const { plain } = cell
  if (plain !== undefined && seq === 0) {
    const { value, context } = plain
    const bytes = codec.encodeShort(agent.id, { machineType: agent.type, machineVersion: machine.version, value, context })
    if (bytes !== undefined) return bytes
  }
  const state = cell.capture(failedChild)
  return codec.encode(agent.id, seq === 0 ? state : { ...state, seq, outbox: outbox?.take() ?? [] })
}
