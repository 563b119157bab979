import type { GridMap } from '@stigmergy/grid'
import { numberOption, quote } from '../check.ts'
import type { Dependency } from './dependency.ts'
import { CoreError } from '../errors.ts'
import type { StoreHealth } from '../durability/store-health.ts'

/** Something an agent cannot do its work without. */
export type Need = {
  /**
   * Once degraded, the agent is told `agent.recovered` only after somebody has acknowledged it (`agent.acknowledge(need)`) while the
   * need is met. An agent whose state was restored in a new process has to be acknowledged too. @default false
   */
  readonly latch?: boolean
} & (
  | {
      /** This map must be fresh. A map of any values. */
      readonly map: Pick<GridMap<unknown>, 'ageMs' | 'sourceAgeMs' | 'onAge'>
      /** Older than this is too old, in milliseconds. */
      readonly maxAgeMs: number
      /** Judge this source of the map. @default the copy of the map, by its replica age */
      readonly source?: string
    }
  /** It must be up. */
  | { readonly dependency: Dependency }
  /** The last write of any agent's state must have been taken. */
  | { readonly store: true }
)

/** How a need stands. `latched`: it is met again, and waits to be acknowledged. */
export type NeedState = 'met' | 'degraded' | 'latched'

/** What follows from what a need was and whether it is met now. Pure. */
export function judge(state: NeedState, met: boolean, latch: boolean): NeedState {
  if (!met) return 'degraded'
  if (state === 'degraded') return latch ? 'latched' : 'met'
  return state
}

/** What an agent is told when a need is not met any more. */
export interface DegradedEvent<TNeed extends string = string> {
  readonly type: 'agent.degraded'
  readonly need: TNeed
  /** Of a map or its source; undefined for other needs. */
  readonly ageMs: number | undefined
}

/** What an agent is told when it is met again, and acknowledged if it is latched. */
export interface RecoveredEvent<TNeed extends string = string> {
  readonly type: 'agent.recovered'
  readonly need: TNeed
}

/** A need that can be asked, and that tells when it should be. */
export interface Gauge {
  readonly name: string
  readonly latch: boolean
  met(): boolean
  ageMs(): number | undefined
  /** Calls `fn` when the need may have changed. Returns the end of it. */
  watch(fn: () => void): () => void
}

export interface GaugeServices {
  readonly health: StoreHealth
  /** Calls `fn` when the state of that dependency changes. */
  onDependency(dependency: Dependency, fn: () => void): () => void
}

const WANTS = 'give { map, maxAgeMs }, { map, source, maxAgeMs }, { dependency } or { store: true }'

/** Checks the `needs` of an agent. Throws `CoreError` BAD_OPTION. */
export function resolveNeeds(needs: Readonly<Record<string, Need>> | undefined): ReadonlyMap<string, Need> | undefined {
  if (needs === undefined) return undefined
  if (typeof needs !== 'object' || needs === null || Array.isArray(needs))
    throw new CoreError('BAD_OPTION', `needs is ${quote(needs)}: ${WANTS}`)
  for (const [name, need] of Object.entries(needs)) {
    if (typeof need !== 'object' || need === null) throw new CoreError('BAD_OPTION', `needs.${name} is ${quote(need)}: ${WANTS}`)
    const known =
      'map' in need ? ['map', 'maxAgeMs', 'source', 'latch'] : 'dependency' in need ? ['dependency', 'latch'] : ['store', 'latch']
    const wrong = Object.keys(need).find((key) => !known.includes(key))
    const shaped =
      'map' in need
        ? typeof need.map.onAge === 'function'
        : 'dependency' in need
          ? typeof need.dependency.call === 'function'
          : (need.store as unknown) === true
    if (wrong !== undefined || !shaped) throw new CoreError('BAD_OPTION', `needs.${name} has ${quote(wrong ?? 'nothing to ask')}: ${WANTS}`)
    if ('map' in need && numberOption(`needs.${name}.maxAgeMs`, need.maxAgeMs, Number.NaN, 0, Infinity) !== need.maxAgeMs) {
      throw new CoreError('BAD_OPTION', `needs.${name} has no maxAgeMs: ${WANTS}`)
    }
  }
  return new Map(Object.entries(needs))
}

export function gaugeOf(name: string, need: Need, services: GaugeServices): Gauge {
  const latch = need.latch ?? false
  if ('map' in need) {
    const { map, maxAgeMs, source } = need
    // Of a map that is closed nothing is known: that is as old as can be.
    const ageMs = (): number => {
      try {
        return source === undefined ? map.ageMs() : map.sourceAgeMs(source)
      } catch {
        return Infinity
      }
    }
    const watch = (fn: () => void): (() => void) => {
      const watching = map.onAge({ maxAgeMs, ...(source !== undefined && { source }) }, fn)
      return () => watching.close()
    }
    return { name, latch, met: () => ageMs() <= maxAgeMs, ageMs, watch }
  }
  const none = (): undefined => undefined
  if ('dependency' in need) {
    const { dependency } = need
    return { name, latch, met: () => dependency.up, ageMs: none, watch: (fn) => services.onDependency(dependency, fn) }
  }
  return { name, latch, met: () => services.health.up, ageMs: none, watch: (fn) => services.health.onChange(fn) }
}
