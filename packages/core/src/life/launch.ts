import { createMachine, type AnyStateMachine } from 'xstate'
import type { AgentRef } from '../agent.ts'
import { quote } from '../check.ts'
import { stoppedEarly } from '../cell/wrap.ts'
import { isConflict } from '../durability/store.ts'
import { CoreError } from '../errors.ts'
import type { Services } from '../services.ts'
import { resolveSpawnOptions, type SpawnDefaults } from '../spawn.ts'
import { Arrival } from './arrival.ts'
import type { Endings } from './ending.ts'
import { Life } from './life.ts'
import type { LifeOptions } from './life-options.ts'

type Started = (ref: AgentRef<AnyStateMachine>) => void
type Failed = (error: unknown) => void

/**
 * Starts a life. `made` is called with it before its first step, then `started` or `failed`, once. Throws CLOSED, STORE_MISSING or
 * AGENT_EXISTS. Not a promise: whoever spawns has one, and with thousands of them each one more is dear.
 */
export type Launch = (options: LifeOptions, made: ((life: Life) => void) | undefined, started: Started, failed: Failed) => void

/** How often the claim of a stored agent is tried. */
const CLAIMS = 100

/** Of a system. */
interface LaunchServices {
  readonly services: Services
  readonly defaults: SpawnDefaults
  /** Those that run, by id. */
  readonly lives: Map<string, Life>
  readonly endings: Endings
  /** A store was given. */
  readonly stores: boolean
  closing(): boolean
}

/** Starts the lives of a system. */
export class Launcher {
  readonly #given: LaunchServices
  readonly #soon = Promise.resolve()
  /**
   * One of each kind of object there is only while agents come and while they sleep. A full collection of garbage in which the engine finds
   * none of a kind makes it forget what they look like, and all that it has compiled for them. Nobody uses these.
   */
  readonly residents: readonly object[]

  constructor(given: LaunchServices) {
    this.#given = given
    const { services, defaults } = given
    const options = resolveSpawnOptions(createMachine({}), { id: 'nobody' }, defaults)
    const life = new Life(options, services)
    const nothing = (): void => undefined
    life.sleep(new Uint8Array(0), { fence: { owner: '', token: 0 }, rev: 0 }, undefined)
    this.residents = [life, new Arrival(life, options, services, nothing, nothing)]
  }

  readonly launch: Launch = (options, made, started, failed) => this.#launch(options, made, started, failed, 1)

  #launch(options: LifeOptions, made: ((life: Life) => void) | undefined, started: Started, failed: Failed, tries: number): void {
    const { services, lives, endings, stores, closing } = this.#given
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
      // Who was asked to end it meanwhile would never hear of another life of it.
      if (life.stopAsked) return failed(isConflict(error) ? stoppedEarly(id) : error)
      // Whoever claims last has it. An older activation that is busy has written between our look and our claim, and nothing has run yet.
      if (!isConflict(error) || services.takeTenure !== undefined || tries >= CLAIMS || closing() || lives.has(id)) return failed(error)
      try {
        this.#launch(options, made, started, failed, tries + 1)
      } catch (why) {
        failed(why)
      }
    }
    const arrival = new Arrival(life, options, services, started, again)
    // One that is not stored takes over nothing: what the one before it has still to do goes on.
    const before = options.durability === 'none' ? undefined : endings.before(id)
    // Nor does it start on the stack of whoever spawns it.
    if (before !== undefined || options.durability === 'none') void (before ?? this.#soon).then(() => arrival.begin())
    else arrival.begin()
  }
}
