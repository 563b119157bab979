import type { Grid } from '@stigmergy/grid'
import { isBaseline, type Baseline, type BaselineStore } from './baseline.ts'
import { callGuest } from './guest.ts'

export interface GridBaselinesOptions {
  /** Map of the grid that holds them. @default `telemetry.baselines` */
  readonly map?: string
  /**
   * One could not be read, as it is no baseline or of a newer form, or could not be written. What was learned then counts in this process
   * alone, and is offered to the grid again after a minute, until that has one. @default ignored
   */
  readonly onError?: (error: unknown) => void
}

const SCHEMA_VERSION = 1

/** What the grid did not take is offered again after that time. */
const OFFER_AGAIN_MS = 60_000

/** A baseline that the grid did not take, and when it was offered. */
interface Held {
  readonly baseline: Baseline
  offeredAtMs: number
}

/** Baselines in a map of the grid, by compare-and-set: of processes that learn at the same time the first one counts for all. */
export function gridBaselines(grid: Grid, { map = 'telemetry.baselines', onError = () => {} }: GridBaselinesOptions = {}): BaselineStore {
  const baselines = grid.map<Baseline>(map, { schemaVersion: SCHEMA_VERSION })
  const { clock } = grid
  /** One for each kind of decision, of which there are only so many (I6). */
  const held = new Map<string, Held>()
  // Asked with each decision: what cannot be read is told once, and again when another one is there.
  let told: unknown
  // Who is told is a guest as well: it is called in an agent's action, and where nobody would catch what it throws (I7).
  const failed = (error: unknown): void => {
    callGuest(
      () => onError(error),
      () => {},
    )
  }
  const stored = (key: string): Baseline | undefined => {
    try {
      const entry = baselines.peek(key)
      if (entry === undefined || isBaseline(entry.value)) return entry?.value
      if (entry !== told) failed(new TypeError(`${map} holds no baseline at ${key}`))
      told = entry
    } catch (error) {
      if (String(error) !== told) failed(error)
      told = String(error)
    }
    return undefined
  }
  const offer = async (key: string, baseline: Baseline): Promise<void> => {
    try {
      await baselines.update(key, (current) => (isBaseline(current) && current.version >= baseline.version ? undefined : baseline))
      held.delete(key)
    } catch (error) {
      held.set(key, { baseline, offeredAtMs: clock.now() })
      failed(error)
    }
  }
  return {
    peek(key) {
      const known = stored(key)
      const own = held.get(key)
      if (own === undefined) return known
      if (known !== undefined && known.version >= own.baseline.version) {
        held.delete(key)
        return known
      }
      if (clock.now() - own.offeredAtMs >= OFFER_AGAIN_MS) {
        own.offeredAtMs = clock.now()
        void offer(key, own.baseline)
      }
      return own.baseline
    },
    save: (key, baseline) => void offer(key, baseline),
  }
}
