import type { TraceContext } from '@stigmergy/grid'
import type { Alarm } from './alarm.ts'
import { CountedWindows } from './counted-windows.ts'
import type { ResolvedAlarmsOptions } from './options.ts'

/** How many times the allowed share of slow decisions the alarm is tuned to find. */
const TIMES = 5

/** Says how an alarm stands; whoever is told finds out whether that is new. */
export type Judge = (above: boolean, alarm: Omit<Alarm, 'state' | 'atMs'>) => void

/** Latency against a service level objective: decisions over their limit, counted in windows of decisions per agent type. */
export class SloWatch {
  readonly #types = new Map<string, TypeWindow>()
  readonly #judge: Judge

  constructor(slos: ResolvedAlarmsOptions['slo'], judge: Judge) {
    this.#judge = judge
    for (const [type, { seconds, share, windowDecisions, runLength }] of slos) {
      const windows = new CountedWindows(windowDecisions * (1 - share), TIMES, runLength)
      this.#types.set(type, { seconds, share, windowDecisions, windows, decisions: 0, trace: undefined })
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
    if (type.decisions >= type.windowDecisions) this.#end(agentType, type)
    return slow
  }

  #end(agentType: string, type: TypeWindow): void {
    const { windows, windowDecisions, seconds, share, trace } = type
    type.decisions = 0
    const { count, sum, limit, above } = windows.end()
    const message = `${count} of the last ${windowDecisions} decisions of ${agentType} took more than ${seconds} s; ${share * 100} % must not`
    this.#judge(above, { kind: 'slo', agentType, agentId: undefined, value: sum, limit, trace, message })
  }
}

interface TypeWindow {
  readonly seconds: number
  readonly share: number
  readonly windowDecisions: number
  readonly windows: CountedWindows
  decisions: number
  trace: TraceContext | undefined
}
