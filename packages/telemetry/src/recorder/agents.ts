import type { AgentInfo } from '@stigmergy/core'
import type { ResolvedRecorderOptions } from './options.ts'
import { SlowLimit } from './slow.ts'
import type { StringTable } from './strings.ts'

/** What the recorder knows of an agent, looked up once per transition. */
export interface AgentRow {
  readonly id: number
  readonly type: number
  readonly stage: number
  readonly system: number
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

  return ({ id, type, stage }, system) => ({
    id: strings.internId(id),
    type: strings.intern(type),
    stage: strings.intern(stage ?? ''),
    system: strings.intern(system ?? ''),
    sloMs: stage === undefined ? Infinity : Math.min(sloMs.get(stage) ?? Infinity, sloMs.get('decision') ?? Infinity),
    slow: limitOf(type),
    event: '',
    eventId: 0,
    from: '',
    fromId: 0,
    to: '',
    toId: 0,
  })
}
