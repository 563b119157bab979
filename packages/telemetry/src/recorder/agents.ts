import type { AgentInfo } from '@stigmergy/core'
import type { ResolvedRecorderOptions } from './options.ts'
import { SlowLimit } from './slow.ts'
import type { StringTable } from './strings.ts'

/** What the recorder knows of an agent, looked up once per transition. */
export interface AgentRow {
  id: number
  type: number
  stage: number
  system: number
  /** The epoch of the texts in which these numbers were asked for. */
  epoch: number
  /** Asks for them anew. */
  readonly renew: () => void
  /** A transition that takes longer breaks its objective. */
  readonly sloMs: number
  readonly slow: SlowLimit | undefined
  /** The texts of the last transition: agents repeat themselves. */
  event: string
  eventId: number
  from: string
  fromId: number
  to: string
  toId: number
}

/** Makes the row of an agent. `system`: the name of the system it lives in, if that has one. */
export function createAgentRows(
  strings: StringTable,
  { sloMs, slowPerSecond }: ResolvedRecorderOptions,
): (agent: AgentInfo, system: string | undefined) => AgentRow {
  /** Types are of low cardinality, but nobody makes sure: beyond the bound they share a limit (I6). */
  const limits = new Map<string, SlowLimit>()

  const limitOf = (type: string): SlowLimit | undefined => {
    if (slowPerSecond === 0) return undefined
    const key = limits.has(type) || limits.size < 1000 ? type : ''
    let limit = limits.get(key)
    if (limit === undefined) limits.set(key, (limit = new SlowLimit(slowPerSecond)))
    return limit
  }

  return ({ id, type, stage }, system) => {
    const renew = (): void => {
      row.epoch = strings.epoch
      row.id = strings.internId(id)
      row.type = strings.intern(type)
      row.stage = strings.intern(stage ?? '')
      row.system = strings.intern(system ?? '')
      row.event = row.from = row.to = ''
      row.eventId = row.fromId = row.toId = 0
    }
    const row: AgentRow = {
      id: 0,
      type: 0,
      stage: 0,
      system: 0,
      epoch: 0,
      renew,
      sloMs: stage === undefined ? Infinity : Math.min(sloMs.get(stage) ?? Infinity, sloMs.get('decision') ?? Infinity),
      slow: limitOf(type),
      event: '',
      eventId: 0,
      from: '',
      fromId: 0,
      to: '',
      toId: 0,
    }
    renew()
    return row
  }
}
