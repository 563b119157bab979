import type { Clock } from '@stigmergy/grid'
import type { ResolvedGateOptions } from './gate-options.ts'
import { lastingEffect } from './lasting-effect.ts'
import { Outbox, type Doer } from './outbox.ts'
import type { Worldly } from './put-maps.ts'
import type { RecordCodec } from './record-codec.ts'

/** The outbox of an agent. `changed`: see {@link Outbox}. */
export function createOutbox(
  options: Worldly & { readonly agent: { readonly id: string }; readonly gate: ResolvedGateOptions },
  { clock, doer, codec }: { readonly clock: Clock; readonly doer: Doer; readonly codec: RecordCodec },
  changed: () => void,
): Outbox {
  const { agent, gate } = options
  return new Outbox({
    agent: agent.id,
    lasting: (effect) => lastingEffect(agent.id, effect, codec),
    reach: (entries) => doer.reach(entries, options),
    clock,
    doer,
    giveUpMs: gate.giveUpMs,
    crowd: gate.maxOutbox,
    changed,
  })
}
