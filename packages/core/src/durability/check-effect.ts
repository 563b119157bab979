import type { EffectData } from './outbox.ts'
import type { RecordCodec } from './record-codec.ts'
import { isStorable } from './storable.ts'

/** Throws `CoreError` BAD_STATE if the effect cannot be stored. Packed only if it holds something that is in doubt: this is on the path of each. */
export function checkEffect(agentId: string, effect: EffectData, codec: Pick<RecordCodec, 'encode'>): void {
  if (isStorable(effect)) return
  const snapshot = { status: 'active', output: undefined, error: undefined, value: null, context: effect }
  codec.encode(agentId, { machineType: effect.kind, machineVersion: undefined, snapshot: snapshot as never, timers: [] })
}
