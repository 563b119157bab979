import type { Guests } from '../guests.ts'
import type { AgentInfo } from '../hooks.ts'
import {
  gaugeOf,
  judge,
  type Need,
  type DegradedEvent,
  type Gauge,
  type GaugeServices,
  type NeedState,
  type RecoveredEvent,
} from './need.ts'

/** How one need stands. */
export interface NeedReport {
  readonly name: string
  readonly state: NeedState
  /** Whether it is met at this moment, acknowledged or not. */
  readonly met: boolean
  /** Of a map or its source; undefined for other needs. */
  readonly ageMs: number | undefined
}

export interface NeedsOptions {
  /** A need may have changed. */
  arrived(): void
  told(need: string, state: NeedState): void
}

interface Standing {
  readonly gauge: Gauge
  state: NeedState
  /** What the agent knows; undefined: nothing, it has begun again. */
  knows: 'met' | 'degraded' | undefined
}

/**
 * The needs of an agent, judged at the moment its next event is taken: no event is handled by an agent that does not know that it is
 * degraded.
 */
export class Needs {
  readonly #standings: readonly Standing[]
  readonly #options: NeedsOptions
  #ends: readonly (() => void)[] = []
  #opened = false

  constructor(gauges: readonly Gauge[], options: NeedsOptions) {
    this.#standings = gauges.map((gauge) => ({ gauge, state: 'met', knows: 'met' }))
    this.#options = options
  }

  /** How each need stands now. */
  get reports(): readonly NeedReport[] {
    return this.#standings.map((standing) => {
      const { name } = standing.gauge
      return { name, state: this.#judged(standing), met: standing.gauge.met(), ageMs: standing.gauge.ageMs() }
    })
  }

  /** True if there is something the agent should be told. */
  get due(): boolean {
    return this.#standings.some((standing) => this.#news(standing))
  }

  /** What the agent should be told next. */
  next(): DegradedEvent | RecoveredEvent | undefined {
    const standing = this.#standings.find((one) => this.#news(one))
    if (standing === undefined) return undefined
    const { gauge, state } = standing
    if (state === 'met') {
      standing.knows = 'met'
      return { type: 'agent.recovered', need: gauge.name }
    }
    standing.knows = 'degraded'
    return { type: 'agent.degraded', need: gauge.name, ageMs: gauge.ageMs() }
  }

  #news(standing: Standing): boolean {
    return standing.knows !== (this.#judged(standing) === 'met' ? 'met' : 'degraded')
  }

  #judged(standing: Standing): NeedState {
    const { gauge, state } = standing
    const next = judge(state, gauge.met(), gauge.latch)
    if (next === state) return state
    standing.state = next
    this.#options.told(gauge.name, next)
    return next
  }

  /** The operator has seen it. True if the need is met and was latched. */
  acknowledge(name: string): boolean {
    const standing = this.#standings.find(({ gauge }) => gauge.name === name)
    if (standing === undefined || this.#judged(standing) !== 'latched') return false
    standing.state = 'met'
    this.#options.told(name, 'met')
    this.#options.arrived()
    return true
  }

  /** Begins to watch. `restored`: the agent's state comes from an earlier process. */
  open(restored: boolean): void {
    this.close()
    for (const standing of this.#standings) {
      // Whatever state it begins with: it is told how things stand.
      if (this.#opened || restored) standing.knows = undefined
      // What an earlier process had latched is not known here: somebody has to look.
      if (!this.#opened && restored && standing.gauge.latch) standing.state = 'degraded'
    }
    this.#opened = true
    this.#ends = this.#standings.map(({ gauge }) => gauge.watch(this.#options.arrived))
    if (this.due) this.#options.arrived()
  }

  close(): void {
    for (const end of this.#ends) end()
    this.#ends = []
  }
}

/** The needs of an agent by the options it was spawned with. */
export function createNeeds(
  needs: ReadonlyMap<string, Need>,
  agent: AgentInfo,
  { gauges, guests }: { readonly gauges: GaugeServices; readonly guests: Guests },
  arrived: () => void,
): Needs {
  const all = [...needs].map(([name, need]) => gaugeOf(name, need, gauges))
  return new Needs(all, { arrived, told: (need, state) => guests.tell('onNeed', agent, need, state) })
}
