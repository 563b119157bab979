import type { Baseline, BaselineStore, PooledBaseline } from './baseline.ts'
import { pool } from './baseline.ts'
import { gTest } from './categorical.ts'
import { cusumLimit, cusumStep } from './cusum.ts'

export interface DriftSettings {
  /** Decisions that are held against the baseline together. */
  readonly windowDecisions: number
  /** Decisions a baseline is learned from. */
  readonly baselineDecisions: number
  /** Reference value of the CUSUM, in sigma: half the drift it is tuned to find. */
  readonly k: number
  /** Windows between false alarms of one agent, on average. */
  readonly runLength: number
  /** Different actions, strata and agents that are told apart (I6); what is beyond is one `other`, or not watched and counted. */
  readonly maxActions: number
  readonly maxAgents: number
}

/** What a window of decisions said. */
export interface DriftReading {
  /** How far the window is from the baseline, in sigma of a standard normal value. */
  readonly sigma: number
  readonly sum: number
  readonly limit: number
  readonly baselineVersion: number
  /** The agent drifts: in this kind of decision, or in another one. */
  readonly drifting: boolean
}

const OTHER_ACTION = 'other'

/**
 * Watches how decisions are spread over actions. Pure but for the baselines: no clock, no chance.
 * While a kind of decision has no baseline it is learned; then it is frozen, and each agent's windows are tested against it by a
 * G-test, whose sigma goes into a CUSUM: a lone odd window is no alarm, and a small lasting change is one.
 */
export class DriftWatch {
  readonly limit: number
  readonly #settings: DriftSettings
  readonly #baselines: BaselineStore
  readonly #learning = new Map<string, Learning>()
  readonly #pooled = new Map<string, PooledBaseline>()
  /** Windows of each agent, by the kind of decision: an agent that ends is found without a look at the others. */
  readonly #agents = new Map<string, Map<string, AgentWindow>>()
  #windows = 0
  #unwatched = 0

  constructor(settings: DriftSettings, baselines: BaselineStore) {
    this.#settings = settings
    this.#baselines = baselines
    this.limit = cusumLimit(settings.runLength, settings.k)
  }

  /** Decisions that were not looked at, because there are more agents or kinds than the bounds allow. */
  get unwatched(): number {
    return this.#unwatched
  }

  /** Takes in a decision. Gives a reading when it completes a window. `kind`: what shares a baseline. */
  decided(kind: string, agentId: string, action: string): DriftReading | undefined {
    const baseline = this.#baseline(kind)
    if (baseline === undefined) {
      this.#learn(kind, action)
      return undefined
    }
    const window = this.#window(kind, agentId, baseline)
    if (window === undefined) return undefined
    const place = baseline.placeOf(action)
    window.counts[place] = (window.counts[place] ?? 0) + 1
    window.decisions += 1
    if (window.decisions < this.#settings.windowDecisions) return undefined
    return { ...this.#judge(window, baseline), drifting: this.#drifts(agentId) }
  }

  /** Forgets the baseline of a kind and learns a new version of it: after a change that was meant. Gives the agents that drift no more. */
  relearn(kind: string): readonly string[] {
    const version = (this.#baselines.peek(kind)?.version ?? 0) + 1
    this.#learning.set(kind, { version, decisions: 0, actions: new Map() })
    this.#pooled.delete(kind)
    const well: string[] = []
    for (const [agentId, own] of this.#agents) {
      const window = own.get(kind)
      if (window === undefined) continue
      own.delete(kind)
      this.#windows -= 1
      if (own.size === 0) this.#agents.delete(agentId)
      if (window.drifting && !this.#drifts(agentId)) well.push(agentId)
    }
    return well
  }

  /** An agent has ended. */
  forget(agentId: string): void {
    this.#windows -= this.#agents.get(agentId)?.size ?? 0
    this.#agents.delete(agentId)
  }

  #drifts(agentId: string): boolean {
    for (const { drifting } of this.#agents.get(agentId)?.values() ?? []) if (drifting) return true
    return false
  }

  #judge(window: AgentWindow, baseline: PooledBaseline): Omit<DriftReading, 'drifting'> {
    const { z } = gTest(window.counts, baseline.counts)
    // Bounded, so that an agent that is well again is so within a few windows.
    window.sum = Math.min(this.limit + 1, cusumStep(window.sum, z, this.#settings.k))
    window.drifting = window.sum > this.limit || (window.drifting && window.sum > 0)
    window.counts = baseline.counts.map(() => 0)
    window.decisions = 0
    return { sigma: z, sum: window.sum, limit: this.limit, baselineVersion: baseline.version }
  }

  #baseline(kind: string): PooledBaseline | undefined {
    const stored = this.#baselines.peek(kind)
    const wanted = this.#learning.get(kind)?.version ?? 1
    if (stored === undefined || stored.version < wanted) return undefined
    const known = this.#pooled.get(kind)
    if (known?.version === stored.version) return known
    const pooled = pool(stored, this.#settings.windowDecisions)
    this.#pooled.set(kind, pooled)
    this.#learning.delete(kind)
    return pooled
  }

  #learn(kind: string, action: string): void {
    const known = this.#learning.get(kind)
    if (known === undefined && this.#learning.size + this.#pooled.size >= this.#settings.maxAgents) {
      this.#unwatched += 1
      return
    }
    const learning = known ?? { version: 1, decisions: 0, actions: new Map<string, number>() }
    if (known === undefined) this.#learning.set(kind, learning)
    const { actions } = learning
    const name = actions.has(action) || actions.size < this.#settings.maxActions ? action : OTHER_ACTION
    actions.set(name, (actions.get(name) ?? 0) + 1)
    learning.decisions += 1
    if (learning.decisions < this.#settings.baselineDecisions) return
    const baseline: Baseline = { version: learning.version, actions: Object.fromEntries(actions) }
    // Where it is not taken, another one is tried as much later: not one with each decision.
    this.#learning.set(kind, { version: learning.version, decisions: 0, actions: new Map() })
    this.#baselines.save(kind, baseline)
  }

  #window(kind: string, agentId: string, { version, counts }: PooledBaseline): AgentWindow | undefined {
    const own = this.#agents.get(agentId)
    const known = own?.get(kind)
    if (known?.version === version) return known
    if (known === undefined && this.#windows >= this.#settings.maxAgents) {
      this.#unwatched += 1
      return undefined
    }
    const window = { version, counts: counts.map(() => 0), decisions: 0, sum: 0, drifting: false }
    if (known === undefined) this.#windows += 1
    if (own === undefined) this.#agents.set(agentId, new Map([[kind, window]]))
    else own.set(kind, window)
    return window
  }
}

interface Learning {
  readonly version: number
  decisions: number
  readonly actions: Map<string, number>
}

interface AgentWindow {
  readonly version: number
  counts: number[]
  decisions: number
  sum: number
  drifting: boolean
}
