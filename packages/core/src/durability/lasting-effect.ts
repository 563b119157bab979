import { quote } from '../check.ts'
import { CoreError } from '../errors.ts'
import { lostIn } from './lost-in.ts'
import type { EffectData } from './outbox.ts'
import type { RecordCodec } from './record-codec.ts'
import { lasting } from './storable.ts'

/**
 * The effect as it would be repeated after a crash: what is done at first and what is done again are the same. Copied only if the store
 * gives it back in another form: this is on the path of each. Throws `CoreError` BAD_STATE if something of it would not come back.
 */
export function lastingEffect(agentId: string, effect: EffectData, codec: Pick<RecordCodec, 'encode' | 'read'>): EffectData {
  const [name, said] = saidBy(effect)
  const found = lasting(said)
  if (found === 'same') return effect
  if (found === 'lost') {
    const what = `a ${effect.kind} of agent ${quote(agentId)} cannot be stored: ${lostIn(name, said)}`
    throw new CoreError('BAD_STATE', `${what}: say it as plain data`)
  }
  return { ...effect, [name]: copyOf(agentId, said, codec) }
}

function saidBy(effect: EffectData): readonly [name: string, value: unknown] {
  if (effect.kind === 'send') return ['event', effect.event]
  return effect.kind === 'put' ? ['value', effect.value] : ['payload', effect.payload]
}

function copyOf(agentId: string, value: unknown, codec: Pick<RecordCodec, 'encode' | 'read'>): unknown {
  const snapshot = { status: 'active', output: undefined, error: undefined, value: null, context: value }
  const record = { machineType: 'effect', machineVersion: undefined, snapshot: snapshot as never, timers: [] }
  return codec.read(codec.encode(agentId, record), agentId).snapshot.context
}
