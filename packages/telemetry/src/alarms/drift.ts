import { sameBaseline, type Baseline, type BaselineStore } from './baseline.ts'
import { cusumLimit } from './cusum.ts'
import { DriftWindow, scaled, type ScaledBaseline } from './drift-window.ts'
import { Learning } from './learning.ts'

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
  /** How far the last window is from the baseline, in sigma of a standard normal value. */
  readonly sigma: number
  readonly sum: number
  readonly limit: number
  readonly baselineVersion: number
  /** The agent drifts: in this kind of decision, or in another one. */
  readonly drifting: boolean
  /** The window is not of one agent: it has the last decisions of those of the type that have ended. */
  readonly ofEnded: boolean
}

/** Who drifts; without an id those of the type that have ended. */
export interface Drifter {
  readonly agentType: string
  readonly agentId: string | undefined
}

/**
 * Watches how decisions are spread over actions. Pure but for the baselines: no clock, no chance.
 * While a kind of decision has no baseline it is learned; then it is frozen, and each agent's windows are tested against it by a
 * G-test, whose sigma goes into a CUSUM: a lone odd window is no alarm, and a small lasting change is one.
 */
export class DriftWatch {
  /** Of agents whose decisions do not depend on each other. */
  readonly limit: number
  readonly #settings: DriftSettings
  readonly #baselines: BaselineStore
  readonly #learning = new Map<string, Learning>()
  readonly #scaled = new Map<string, ScaledBaseline>()
  /** Kinds of which a new version was asked for before it was known what is stored, and what was learned since. */
  readonly #anew = new Map<string, Baseline | undefined>()
  /** By run length: each takes a moment to find, and there are as many as different long windows. */
  readonly #limits = new Map<number, number>()
  /** Windows of each agent, by the kind of decision: an agent that ends is found without a look at the others. */
  readonly #agents = new Map<string, Map<string, DriftWindow>>()
  /** By type: what agents that have ended leave, who may be too short-lived to ever complete a window. */
  readonly #types = new Map<string, Map<string, DriftWindow>>()
  /** Windows that drift, and whose they are. */
  readonly #drifting = new Map<DriftWindow, Drifter>()
  /** The newest ids that have ended: what is told of them later makes no windows. */
  readonly #endedIds = new Set<string>()
  #windows = 0
  #unwatched = 0

  constructor(settings: DriftSettings, baselines: BaselineStore) {
    this.#settings = settings
    this.#baselines = baselines
    this.limit = this.#limitOf(settings.runLength)
  }

  /** Decisions that were not looked at, because there are more agents or kinds than the bounds allow. */
  get unwatched(): number {
    return this.#unwatched
  }

  /** Takes in a decision. Gives a reading when it completes a window. `kind`: what shares a baseline; `nowMs`: for {@link quiet}. */
  decided(kind: string, agentType: string, agentId: string, action: string, nowMs = 0): DriftReading | undefined {
    const id = this.#endedIds.has(agentId) ? undefined : agentId
    const baseline = this.#baseline(kind)
    if (baseline === undefined) {
      this.#learn(kind, id, action)
      return undefined
    }
    const window = this.#window(kind, agentType, id, baseline)
    if (window === undefined) return undefined
    window.add(action, nowMs)
    return this.#reading(window, agentType, id)
  }

  /** Forgets the baseline of a kind and learns a new version of it: after a change that was meant. Gives who drifts no more; undefined: the ended. */
  relearn(kind: string): readonly (string | undefined)[] {
    const stored = this.#baselines.peek(kind)
    // A process that has just begun may not have its copy of the grid yet.
    if (stored === undefined) this.#anew.set(kind, undefined)
    else this.#anew.delete(kind)
    this.#learning.set(kind, new Learning((stored?.version ?? 0) + 1, this.#settings))
    this.#scaled.delete(kind)
    const well: (string | undefined)[] = []
    for (const all of [this.#agents, this.#types]) {
      for (const [who, own] of all) {
        const window = own.get(kind)
        if (window === undefined) continue
        own.delete(kind)
        this.#drifting.delete(window)
        if (all === this.#agents) this.#windows -= 1
        if (own.size === 0) all.delete(who)
        if (window.drifting && !drifts(own)) well.push(all === this.#agents ? who : undefined)
      }
    }
    return well
  }

  /**
   * Windows that drift, and in which nothing is decided any more, begin anew: of whom nothing is known any more it cannot be said for ever.
   * Gives who drifts no more by that.
   */
  quiet(nowMs: number): readonly Drifter[] {
    const well: Drifter[] = []
    for (const [window, drifter] of this.#drifting) {
      if (!window.pace.isQuiet(nowMs)) continue
      window.reset()
      this.#drifting.delete(window)
      if (!drifts(this.#windowsOf(drifter.agentType, drifter.agentId))) well.push(drifter)
    }
    return well
  }

  /** An agent of that id is there, again. */
  began(agentId: string): void {
    this.#endedIds.delete(agentId)
  }

  /** An agent has ended: what it decided in its last windows counts for its type. Gives the readings that this completes. */
  forget(agentId: string, agentType: string): readonly DriftReading[] {
    this.#endedIds.add(agentId)
    if (this.#endedIds.size > this.#settings.maxAgents) for (const oldest of this.#endedIds) if (this.#endedIds.delete(oldest)) break
    for (const [kind, learning] of this.#learning) this.#learned(kind, learning.ended(agentId))
    const own = this.#agents.get(agentId)
    this.#agents.delete(agentId)
    this.#windows -= own?.size ?? 0
    const readings: DriftReading[] = []
    for (const [kind, left] of own ?? []) {
      this.#drifting.delete(left)
      const baseline = this.#baseline(kind)
      if (baseline !== left.baseline) continue
      const window = this.#window(kind, agentType, undefined, baseline)
      if (window === undefined) continue
      window.take(left)
      const reading = this.#reading(window, agentType, undefined)
      if (reading !== undefined) readings.push(reading)
    }
    return readings
  }

  #reading(window: DriftWindow, agentType: string, id: string | undefined): DriftReading | undefined {
    if (!window.judge()) return undefined
    if (window.drifting) this.#drifting.set(window, { agentType, agentId: id })
    else this.#drifting.delete(window)
    const own = this.#windowsOf(agentType, id)
    return { ...window.reading, baselineVersion: window.baseline.source.version, drifting: drifts(own), ofEnded: id === undefined }
  }

  #windowsOf(agentType: string, agentId: string | undefined): ReadonlyMap<string, DriftWindow> | undefined {
    return agentId === undefined ? this.#types.get(agentType) : this.#agents.get(agentId)
  }

  #baseline(kind: string): ScaledBaseline | undefined {
    const stored = this.#baselines.peek(kind)
    if (stored !== undefined && this.#anew.has(kind)) this.#comesToLight(kind, stored)
    const wanted = this.#learning.get(kind)?.version ?? 1
    if (stored === undefined || stored.version < wanted) return undefined
    const known = this.#scaled.get(kind)
    if (known !== undefined && sameBaseline(known.source, stored)) return known
    const found = scaled(stored, this.#settings, (runLength) => this.#limitOf(runLength))
    this.#scaled.set(kind, found)
    this.#learning.delete(kind)
    return found
  }

  /** What is stored is known now: it is the one before the version that was asked for, unless it is what was learned since. */
  #comesToLight(kind: string, stored: Baseline): void {
    const learned = this.#anew.get(kind)
    this.#anew.delete(kind)
    if (learned !== undefined && sameBaseline(learned, stored)) return
    const version = stored.version + 1
    const learning = this.#learning.get(kind)
    if (learning !== undefined) learning.version = version
    if (learned !== undefined) this.#baselines.save(kind, { ...learned, version })
  }

  #limitOf(runLength: number): number {
    let limit = this.#limits.get(runLength)
    if (limit === undefined) this.#limits.set(runLength, (limit = cusumLimit(runLength, this.#settings.k)))
    return limit
  }

  #learn(kind: string, agentId: string | undefined, action: string): void {
    const known = this.#learning.get(kind)
    if (known === undefined && this.#learning.size + this.#scaled.size >= this.#settings.maxAgents) {
      this.#unwatched += 1
      return
    }
    const learning = known ?? new Learning(1, this.#settings)
    if (known === undefined) this.#learning.set(kind, learning)
    this.#learned(kind, learning.decided(agentId, action))
  }

  #learned(kind: string, baseline: Baseline | undefined): void {
    if (baseline === undefined) return
    // Where it is not taken, another one is tried as much later: not one with each decision.
    this.#learning.set(kind, new Learning(baseline.version, this.#settings))
    if (this.#anew.has(kind)) this.#anew.set(kind, baseline)
    this.#baselines.save(kind, baseline)
  }

  /** `agentId`: undefined for those of the type that have ended. */
  #window(kind: string, agentType: string, agentId: string | undefined, baseline: ScaledBaseline): DriftWindow | undefined {
    const [all, who] = agentId === undefined ? [this.#types, agentType] : [this.#agents, agentId]
    const own = all.get(who)
    const known = own?.get(kind)
    if (known?.baseline === baseline) return known
    // Of a type there is one for each kind, and those are bounded.
    if (known === undefined && agentId !== undefined && this.#windows >= this.#settings.maxAgents) {
      this.#unwatched += 1
      return undefined
    }
    if (known !== undefined) this.#drifting.delete(known)
    const window = new DriftWindow(baseline)
    if (known === undefined && agentId !== undefined) this.#windows += 1
    if (own === undefined) all.set(who, new Map([[kind, window]]))
    else own.set(kind, window)
    return window
  }
}

function drifts(windows: ReadonlyMap<string, DriftWindow> | undefined): boolean {
  for (const { drifting } of windows?.values() ?? []) if (drifting) return true
  return false
}
