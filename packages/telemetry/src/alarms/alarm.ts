import type { TraceContext } from '@stigmergy/grid'

/**
 * What an alarm speaks of:
 * - `drift`: an agent decides otherwise than its baseline did.
 * - `stale`: a decision was made on a world model older than its limit.
 * - `errors`: more failures than expected.
 * - `spread`: failures spread from agent to agent: each makes more than one other.
 * - `slo`: more decisions over their time limit than the service level objective allows.
 */
export const ALARM_KINDS = ['drift', 'stale', 'errors', 'spread', 'slo'] as const

export type AlarmKind = (typeof ALARM_KINDS)[number]

/** An alarm, as listeners and agents get it. Frozen. */
export interface Alarm {
  readonly kind: AlarmKind
  /** `stale` is told for each such decision and is never cleared; the others are cleared when all is well again. */
  readonly state: 'raised' | 'cleared'
  /** Type of the agents it is about. */
  readonly agentType: string
  /** Of one agent, where it is about one. */
  readonly agentId: string | undefined
  /** What was measured, and the limit it is above (raised) or back from (cleared). In the unit that `message` names. */
  readonly value: number
  readonly limit: number
  /** Monotonic ms of the clock. */
  readonly atMs: number
  /** The decision or failure that raised it. Its trace is kept. */
  readonly trace: TraceContext | undefined
  /** For a person. */
  readonly message: string
}

/** An alarm as an event of an agent's machine. */
export interface AlarmEvent {
  readonly type: 'alarm.raised' | 'alarm.cleared'
  readonly alarm: Alarm
}

/** Remembers which alarms are raised, so that each is told once when it is raised and once when it is cleared. */
export class RaisedAlarms {
  /** By the agent it is about, if it is about one, and its name. */
  readonly #raised = new Map<string | undefined, Map<string, Alarm>>()

  get all(): readonly Alarm[] {
    return [...this.#raised.values()].flatMap((own) => [...own.values()])
  }

  /** The alarm to tell, or undefined: it is raised already. */
  raise(alarm: Alarm): Alarm | undefined {
    const name = nameOf(alarm)
    const own = this.#raised.get(alarm.agentId)
    if (own?.has(name)) return undefined
    if (own === undefined) this.#raised.set(alarm.agentId, new Map([[name, alarm]]))
    else own.set(name, alarm)
    return alarm
  }

  /** The alarm to tell, or undefined: it was not raised. */
  clear(alarm: Alarm): Alarm | undefined {
    const own = this.#raised.get(alarm.agentId)
    if (own?.delete(nameOf(alarm)) !== true) return undefined
    if (own.size === 0) this.#raised.delete(alarm.agentId)
    return alarm
  }

  /** An agent has ended: nothing that is only about it stays raised. */
  forget(agentId: string): readonly Alarm[] {
    const ended = [...(this.#raised.get(agentId)?.values() ?? [])]
    this.#raised.delete(agentId)
    return ended
  }
}

function nameOf({ kind, agentType }: Alarm): string {
  return JSON.stringify([kind, agentType])
}
