import { poolRare, sum } from './categorical.ts'

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

/** Windows that a baseline is learned from, at least, and decisions in one. */
export const LEAST_WINDOWS = 20
export const LEAST_WINDOW_DECISIONS = 20

/** What a store gives may have been written by anybody: true if it could have been learned. */
export function isBaseline(value: unknown): value is Baseline {
  if (typeof value !== 'object' || value === null) return false
  const { version, actions, dispersion = 1 } = value as Partial<Baseline>
  if (typeof version !== 'number' || version < 1 || !Number.isSafeInteger(version + 1)) return false
  if (typeof actions !== 'object' || actions === null || Array.isArray(actions)) return false
  const counts: readonly unknown[] = Object.values(actions)
  if (!counts.every((count) => typeof count === 'number' && Number.isSafeInteger(count) && count >= 1)) return false
  const decisions = sum(counts as readonly number[])
  if (decisions < LEAST_WINDOWS * LEAST_WINDOW_DECISIONS || !Number.isSafeInteger(decisions)) return false
  return typeof dispersion === 'number' && dispersion >= 1 && dispersion <= decisions
}

/** True if they say the same: of two with one version, as after a split brain, that is not sure. */
export function sameBaseline(one: Baseline, other: Baseline): boolean {
  if (one === other) return true
  if (one.version !== other.version || (one.dispersion ?? 1) !== (other.dispersion ?? 1)) return false
  const [names, others] = [Object.keys(one.actions), Object.keys(other.actions)]
  return names.length === others.length && names.every((name) => one.actions[name] === other.actions[name])
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
