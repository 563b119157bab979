import type { TraceContext } from '@stigmergy/grid'
import type { Alarm } from './alarm.ts'
import { CountedWindows } from './counted-windows.ts'
import type { ResolvedAlarmsOptions } from './options.ts'

/**
 * How many times the allowed share of slow decisions the alarm is tuned to find: twice, but half-way to all of them where twice would
 * be most of them or more. It finds what lasts above 1.5 times the allowed share, and what is far above it in hardly more windows.
 */
function timesToFind(share: number): number {
  const allowed = 1 - share
  return Math.min(2, (1 + allowed) / (2 * allowed))
}

/** Says how an alarm stands; whoever is told finds out whether that is new. */
export type Judge = (above: boolean, alarm: Omit<Alarm, 'state' | 'atMs'>) => void

/** Latency against a service level objective: decisions over their limit, counted in windows of decisions per agent type. */
export class SloWatch {
  readonly #types = new Map<string, TypeWindow>()
  readonly #judge: Judge

  constructor(slos: ResolvedAlarmsOptions['slo'], judge: Judge) {
    this.#judge = judge
    for (const [type, { seconds, share, windowDecisions, runLength }] of slos) {
      const windows = new CountedWindows(windowDecisions * (1 - share), timesToFind(share), runLength)
      this.#types.set(type, { seconds, share, windowDecisions, windows, decisions: 0, told: false, trace: undefined })
    }
  }

  /** A decision took that long. True: over the limit of its type. */
  finished(agentType: string, seconds: number, trace: TraceContext | undefined): boolean {
    const type = this.#types.get(agentType)
    if (type === undefined) return false
    const slow = seconds > type.seconds
    if (slow) {
      type.windows.add()
      type.trace = trace
    }
    type.decisions += 1
    const { windows } = type
    if (type.decisions >= type.windowDecisions) this.#end(agentType, type)
    // Before the end of the window, which can be far: what is above the limit now is so at the end as well.
    else if (slow && !type.told && windows.reached) {
      this.#tell(agentType, type, true, windows.count, windows.sum)
    }
    return slow
  }

  /** No agent of that type is left: nobody would ever show that all is well again. */
  ended(agentType: string): void {
    const type = this.#types.get(agentType)
    if (type === undefined) return
    type.windows.reset()
    type.decisions = 0
    if (type.told) this.#tell(agentType, type, false, 0, 0)
  }

  #end(agentType: string, type: TypeWindow): void {
    const { count, sum, above } = type.windows.end()
    this.#tell(agentType, type, above, count, sum)
    type.decisions = 0
  }

  #tell(agentType: string, type: TypeWindow, above: boolean, count: number, value: number): void {
    const { windows, decisions, seconds, share, trace } = type
    type.told = above
    const message = `${count} of the last ${decisions} decisions of ${agentType} took more than ${seconds} s; ${share * 100} % must not`
    this.#judge(above, { kind: 'slo', agentType, agentId: undefined, value, limit: windows.cusum.h, trace, message })
  }
}

interface TypeWindow {
  readonly seconds: number
  readonly share: number
  readonly windowDecisions: number
  readonly windows: CountedWindows
  decisions: number
  /** Said to be above the limit. */
  told: boolean
  trace: TraceContext | undefined
}
