import type { AnyStateMachine } from 'xstate'
import type { AgentRef } from '../agent.ts'
import { quote } from '../check.ts'
import { CoreError } from '../errors.ts'
import type { Services } from '../services.ts'
import { Arrival } from './arrival.ts'
import type { Endings } from './ending.ts'
import { Life } from './life.ts'
import type { LifeOptions } from './life-options.ts'

/**
 * Starts a life. `made` is called with it before its first step, then `started` or `failed`, once. Throws CLOSED, STORE_MISSING or
 * AGENT_EXISTS. Not a promise: whoever spawns has one, and with thousands of them each one more is dear.
 */
export type Launch = (
  options: LifeOptions,
  made: ((life: Life) => void) | undefined,
  started: (ref: AgentRef<AnyStateMachine>) => void,
  failed: (error: unknown) => void,
) => void

interface LaunchServices {
  readonly services: Services
  /** Those that run, by id. */
  readonly lives: Map<string, Life>
  readonly endings: Endings
  /** A store was given. */
  readonly stores: boolean
  closing(): boolean
}

export function createLaunch({ services, lives, endings, stores, closing }: LaunchServices): Launch {
  const soon = Promise.resolve()
  return (options, made, started, failed) => {
    if (closing()) throw new CoreError('CLOSED', 'the system is closed')
    const { id } = options.agent
    if (options.durability === 'gated' && !stores) {
      throw new CoreError('STORE_MISSING', `agent ${quote(id)} is gated, and the system has no store: createSystem({ store })`)
    }
    if (lives.has(id)) throw new CoreError('AGENT_EXISTS', `an agent ${quote(id)} runs in this system: take another id, or stop it first`)
    const life = new Life(options, services)
    made?.(life)
    lives.set(id, life)
    const arrival = new Arrival(life, options, services, started, failed)
    const before = endings.before(id)
    // Nor does it start on the stack of whoever spawns it.
    if (before !== undefined || options.durability === 'none') void (before ?? soon).then(() => arrival.begin())
    else arrival.begin()
  }
}
