import type { TraceContext } from '@stigmergy/grid'
import type { Alarm } from './alarm.ts'
import { quote } from '../options.ts'
import { CountedWindows } from './counted-windows.ts'
import type { ResolvedAlarmsOptions } from './options.ts'
import { Pace } from './pace.ts'

/**
 * How many times the allowed share of slow decisions the alarm is tuned to find: twice, but half-way to all of them where twice would
 * be most of them or more. It finds what lasts above 1.5 times the allowed share, and what is far above it in hardly more windows.
 */
function timesToFind(share: number): number {
  const allowed = 1 - share
  return Math.min(2, (1 + allowed) / (2 * allowed))
}

/** Decisions in which a burst is looked for. */
const BURST_DECISIONS = 20

/**
 * How many slow decisions of {@link BURST_DECISIONS} in a row are counted. What holds the thread for a moment makes all that wait slow: that
 * is one event and not twenty. Decisions that are slow one by one are more than this in one of a thousand places while as many are slow as may be.
 */
function mostInBurst(share: number): number {
  const mean = BURST_DECISIONS * (1 - share)
  return Math.floor(mean + 3 * Math.sqrt(mean) + 2)
}

/** Decisions of others after which an objective for a type that has decided nothing is most likely misspelt. */
const ENOUGH_OTHERS = 500

/** Says how an alarm stands; whoever is told finds out whether that is new. */
export type Judge = (above: boolean, alarm: Omit<Alarm, 'state' | 'atMs'>) => void

/** Latency against a service level objective: decisions over their limit, counted in windows of decisions per agent type. */
export class SloWatch {
  readonly #types = new Map<string, TypeWindow>()
  readonly #judge: Judge
  readonly #warn: (line: string) => void
  /** Types with an objective that have decided nothing yet, and decisions of types that have none. */
  readonly #unseen: Set<string>
  #others = 0

  /** `warn`: told once of objectives that are for nobody. Must not throw. @default nobody is told */
  constructor(slos: ResolvedAlarmsOptions['slo'], judge: Judge, warn: (line: string) => void = () => {}) {
    this.#judge = judge
    this.#warn = warn
    this.#unseen = new Set(slos.keys())
    for (const [type, { seconds, share, windowDecisions, runLength }] of slos) {
      const windows = new CountedWindows(windowDecisions * (1 - share), timesToFind(share), runLength)
      const most = mostInBurst(share)
      this.#types.set(type, {
        seconds,
        share,
        windowDecisions,
        windows,
        most,
        decisions: 0,
        slow: 0,
        inBurst: 0,
        told: false,
        pace: new Pace(),
        trace: undefined,
      })
    }
  }

  /** A decision took that long, and ended at that time. True: over the limit of its type. */
  finished(agentType: string, seconds: number, trace: TraceContext | undefined, nowMs: number): boolean {
    const type = this.#types.get(agentType)
    if (type === undefined) {
      if (this.#unseen.size > 0) this.#other(agentType)
      return false
    }
    if (this.#unseen.size > 0) this.#unseen.delete(agentType)
    const slow = seconds > type.seconds
    type.pace.decided(nowMs)
    if (type.decisions % BURST_DECISIONS === 0) type.inBurst = 0
    if (slow) {
      type.slow += 1
      type.inBurst += 1
      if (type.inBurst <= type.most) type.windows.add()
      type.trace = trace
    }
    type.decisions += 1
    const { windows } = type
    if (type.decisions >= type.windowDecisions) this.#end(agentType, type)
    // Before the end of the window, which can be far: what is above the limit now is so at the end as well.
    else if (slow && !type.told && windows.reached) {
      this.#tell(agentType, type, true, windows.sum)
    }
    return slow
  }

  /** No agent of that type is left: nobody would ever show that all is well again. */
  ended(agentType: string): void {
    const type = this.#types.get(agentType)
    if (type !== undefined) this.#reset(agentType, type)
  }

  /** Nor will those that decide nothing any more, while they do not. */
  quiet(nowMs: number): void {
    for (const [agentType, type] of this.#types) if (type.told && type.pace.isQuiet(nowMs)) this.#reset(agentType, type)
  }

  #other(agentType: string): void {
    this.#others += 1
    if (this.#others < ENOUGH_OTHERS) return
    const types = [...this.#unseen].map(quote).join(', ')
    this.#unseen.clear()
    this.#warn(
      `alarms: slo has an objective for ${types}, of which no agent has decided anything, and none for ${quote(agentType)}, which has`,
    )
  }

  #reset(agentType: string, type: TypeWindow): void {
    type.windows.reset()
    ;[type.decisions, type.slow, type.inBurst] = [0, 0, 0]
    if (type.told) this.#tell(agentType, type, false, 0)
  }

  #end(agentType: string, type: TypeWindow): void {
    const { sum, above } = type.windows.end()
    this.#tell(agentType, type, above, sum)
    ;[type.decisions, type.slow] = [0, 0]
  }

  #tell(agentType: string, type: TypeWindow, above: boolean, value: number): void {
    const { windows, decisions, slow, seconds, share, trace } = type
    type.told = above
    const percent = Number((share * 100).toFixed(4))
    const objective = `${percent} % of the decisions of ${agentType} must take at most ${seconds} s`
    const message = above
      ? `${slow} of the last ${decisions} decisions of ${agentType} took more than ${seconds} s; ${percent} % must not`
      : `${objective}: no longer missed`
    this.#judge(above, { kind: 'slo', agentType, agentId: undefined, value, limit: windows.limit, trace, message })
  }
}

interface TypeWindow {
  readonly seconds: number
  readonly share: number
  readonly windowDecisions: number
  readonly windows: CountedWindows
  /** Most slow decisions in a row of places that count. */
  readonly most: number
  /** Of this window, and the slow ones of them. */
  decisions: number
  slow: number
  inBurst: number
  /** Said to be above the limit. */
  told: boolean
  readonly pace: Pace
  trace: TraceContext | undefined
}
