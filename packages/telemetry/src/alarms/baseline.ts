import type { Grid } from '@stigmergy/grid'
import { poolRare, sum } from './categorical.ts'
import { callGuest } from './guest.ts'

/** How decisions were spread over actions while nothing was wrong. Frozen: it never changes under what is held against it. */
export interface Baseline {
  /** Grows with every one that is learned anew. */
  readonly version: number
  /** Action -> how often. */
  readonly actions: Readonly<Record<string, number>>
  /** How many times as far as independent decisions its windows were spread, from 1: decisions come in runs, or agents differ. @default 1 */
  readonly dispersion?: number
}

/** What actions beyond the bound are called. */
export const OTHER_ACTION = 'other'

/** Where baselines are kept, so that all processes hold decisions against the same ones. */
export interface BaselineStore {
  /** What is known here now, without waiting. */
  peek(key: string): Baseline | undefined
  /** Keeps it, unless there is one of that version or a later one. Must not throw. */
  save(key: string, baseline: Baseline): void
}

export interface GridBaselinesOptions {
  /** Map of the grid that holds them. @default `telemetry.baselines` */
  readonly map?: string
  /** One could not be read, as it is no baseline or of a newer form, or could not be written. @default ignored: each process goes by its own meanwhile */
  readonly onError?: (error: unknown) => void
}

const SCHEMA_VERSION = 1

/** Baselines in a map of the grid, by compare-and-set: of processes that learn at the same time the first one counts for all. */
export function gridBaselines(grid: Grid, { map = 'telemetry.baselines', onError = () => {} }: GridBaselinesOptions = {}): BaselineStore {
  const baselines = grid.map<Baseline>(map, { schemaVersion: SCHEMA_VERSION })
  /** Learned here, and not in the map yet, or never. As many as kinds of decisions. */
  const own = new Map<string, Baseline>()
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
  return {
    peek(key) {
      const shared = stored(key)
      const mine = own.get(key)
      if (mine === undefined) return shared
      if (shared === undefined || shared.version < mine.version) return mine
      own.delete(key)
      return shared
    },
    save(key, baseline) {
      own.set(key, baseline)
      baselines.update(key, (current) => (isBaseline(current) && current.version >= baseline.version ? undefined : baseline)).catch(failed)
    },
  }
}

/** What the grid gives was written by anybody: beyond these it is no baseline of ours, and its numbers would be no numbers any more. */
const MOST = { version: 1e9, actions: 10_000, counted: 1e12, dispersion: 1e4 } as const

function isBaseline(value: unknown): value is Baseline {
  if (typeof value !== 'object' || value === null) return false
  const { version, actions, dispersion = 1 } = value as Partial<Baseline>
  if (!isWhole(version, MOST.version) || typeof actions !== 'object' || actions === null || Array.isArray(actions)) return false
  if (!(typeof dispersion === 'number' && dispersion >= 1 && dispersion <= MOST.dispersion)) return false
  const counts: readonly unknown[] = Object.values(actions)
  return counts.length > 0 && counts.length <= MOST.actions && counts.every((count) => isWhole(count, MOST.counted))
}

function isWhole(value: unknown, most: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= most
}

/** Baselines of this process alone. */
export function memoryBaselines(): BaselineStore {
  const known = new Map<string, Baseline>()
  return {
    peek: (key) => known.get(key),
    save(key, baseline) {
      if ((known.get(key)?.version ?? 0) < baseline.version) known.set(key, baseline)
    },
  }
}

/** A baseline as windows of a given size are held against it: rare actions, and those it has never seen, are one category. */
export interface PooledBaseline {
  readonly version: number
  readonly counts: readonly number[]
  readonly dispersion: number
  /** The place of an action in `counts`. */
  placeOf(action: string): number
}

export function pool(baseline: Baseline, windowDecisions: number): PooledBaseline {
  const actions = Object.keys(baseline.actions)
  const all = Object.values(baseline.actions)
  const { dispersion = 1 } = baseline
  // Decisions that come in runs say as much as so many fewer that do not.
  const pooled = poolRare(all, windowDecisions / dispersion)
  const kept = actions.filter((_, at) => !pooled.has(at))
  const places = new Map(kept.map((action, place) => [action, place]))
  const rest = sum(all.filter((_, at) => pooled.has(at)))
  // Where there were more actions than the bound, an unknown one is most likely one of those beyond it.
  const unknown = places.get(OTHER_ACTION) ?? kept.length
  const rare = new Set(actions.filter((_, at) => pooled.has(at)))
  return {
    version: baseline.version,
    dispersion,
    counts: [...kept.map((action) => baseline.actions[action] as number), rest],
    placeOf: (action) => places.get(action) ?? (rare.has(action) ? kept.length : unknown),
  }
}
