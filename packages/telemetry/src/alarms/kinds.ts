import type { Baseline, BaselineStore } from './baseline.ts'
import { cusumLimit } from './cusum.ts'
import { scaled, type ScaledBaseline } from './drift-window.ts'
import type { DriftSettings } from './drift.ts'
import { Learning } from './learning.ts'

/** A baseline that is being learned. */
interface Lesson {
  readonly learning: Learning
  /** The least version of a stored baseline that makes an end of it. */
  readonly wanted: number
}

/** The kinds of decisions and their baselines: the one that is stored, or what is learned until there is one. */
export class Kinds {
  readonly #settings: DriftSettings
  readonly #store: BaselineStore
  readonly #lessons = new Map<string, Lesson>()
  readonly #scaled = new Map<string, ScaledBaseline>()
  /** By run length: each takes a moment to find, and there are as many as different long windows. */
  readonly #limits = new Map<number, number>()

  constructor(settings: DriftSettings, store: BaselineStore) {
    this.#settings = settings
    this.#store = store
  }

  /** The baseline to go by: the same object as long as what is stored is the same. */
  baseline(kind: string): ScaledBaseline | undefined {
    const stored = this.#store.peek(kind)
    if (stored === undefined || stored.version < (this.#lessons.get(kind)?.wanted ?? 1)) return undefined
    let known = this.#scaled.get(kind)
    if (known?.source !== stored && (known === undefined || !alike(known.source, stored))) {
      known = scaled(stored, this.#settings, (runLength) => this.limitOf(runLength))
      this.#scaled.set(kind, known)
    }
    this.#lessons.delete(kind)
    return known
  }

  /** Learns from a decision. False: there are more kinds than the bound allows. */
  learn(kind: string, agentId: string | undefined, action: string): boolean {
    let lesson = this.#lessons.get(kind)
    if (lesson === undefined) {
      const kinds = this.#lessons.size + this.#scaled.size - (this.#scaled.has(kind) ? 1 : 0)
      if (kinds >= this.#settings.maxAgents) return false
      this.#lessons.set(kind, (lesson = this.#lesson(1)))
    }
    this.#learned(kind, lesson.learning.decided(agentId, action))
    return true
  }

  /** An agent has ended, and with it what it would have decided. */
  ended(agentId: string): void {
    for (const [kind, { learning }] of this.#lessons) this.#learned(kind, learning.ended(agentId))
  }

  relearn(kind: string): void {
    const stored = this.#store.peek(kind)
    // Where nothing is known yet, what comes may still be that of before: nothing makes an end of the lesson but itself.
    this.#lessons.set(kind, this.#lesson(stored === undefined ? Infinity : stored.version + 1))
    this.#scaled.delete(kind)
  }

  limitOf(runLength: number): number {
    let limit = this.#limits.get(runLength)
    if (limit === undefined) this.#limits.set(runLength, (limit = cusumLimit(runLength, this.#settings.k)))
    return limit
  }

  #lesson(wanted: number): Lesson {
    return { learning: new Learning(this.#settings), wanted }
  }

  #learned(kind: string, learned: Omit<Baseline, 'version'> | undefined): void {
    if (learned === undefined) return
    const { wanted = 1 } = this.#lessons.get(kind) ?? {}
    const version = Number.isFinite(wanted) ? wanted : (this.#store.peek(kind)?.version ?? 0) + 1
    // Where it is not taken, another one is tried as much later: not one with each decision.
    this.#lessons.set(kind, this.#lesson(version))
    this.#store.save(kind, { version, ...learned })
  }
}

/** The same baseline, though it may have been read anew. */
function alike(a: Baseline, b: Baseline): boolean {
  if (a.version !== b.version || (a.dispersion ?? 1) !== (b.dispersion ?? 1)) return false
  const names = Object.keys(a.actions)
  return names.length === Object.keys(b.actions).length && names.every((name) => a.actions[name] === b.actions[name])
}
