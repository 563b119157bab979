import type { AnyStateMachine } from 'xstate'
import type { AgentRef } from '../agent.ts'
import { quote } from '../check.ts'
import { isConflict } from '../durability/store.ts'
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

/** How often the claim of a stored agent is tried. */
const CLAIMS = 100

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

  function launch(
    options: LifeOptions,
    made: ((life: Life) => void) | undefined,
    started: (ref: AgentRef<AnyStateMachine>) => void,
    failed: (error: unknown) => void,
    tries: number,
  ): void {
    if (closing()) throw new CoreError('CLOSED', 'the system is closed')
    const { id } = options.agent
    if (options.durability === 'gated' && !stores) {
      throw new CoreError('STORE_MISSING', `agent ${quote(id)} is gated, and the system has no store: createSystem({ store })`)
    }
    if (lives.has(id)) throw new CoreError('AGENT_EXISTS', `an agent ${quote(id)} runs in this system: take another id, or stop it first`)
    const life = new Life(options, services)
    made?.(life)
    lives.set(id, life)
    const again = (error: unknown): void => {
      // Whoever claims last has it. An older activation that is busy has written between our look and our claim, and nothing has run yet.
      if (!isConflict(error) || services.takeTenure !== undefined || tries >= CLAIMS || closing() || lives.has(id)) return failed(error)
      try {
        launch(options, made, started, failed, tries + 1)
      } catch (why) {
        failed(why)
      }
    }
    const arrival = new Arrival(life, options, services, started, again)
    // One that is not stored takes over nothing: what the one before it has still to do goes on.
    const before = options.durability === 'none' ? undefined : endings.before(id)
    // Nor does it start on the stack of whoever spawns it.
    if (before !== undefined || options.durability === 'none') void (before ?? soon).then(() => arrival.begin())
    else arrival.begin()
  }

  return (options, made, started, failed) => launch(options, made, started, failed, 1)
}
