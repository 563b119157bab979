import type { FlightRecord } from '../../recorder/read.ts'

/** A CPU profile as V8 makes it and Chrome reads it: https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile */
export interface CpuProfileData {
  readonly nodes: readonly unknown[]
  /** Microseconds of the system's monotonic clock. */
  readonly startTime: number
  readonly endTime: number
  readonly samples?: readonly number[]
  readonly timeDeltas?: readonly number[]
}

/** What one agent did while the profile was taken. */
export interface AgentShare {
  readonly agentId: string
  readonly agentType: string
  /** Samples that hit one of its transitions. */
  readonly samples: number
  /** The same as a share of all samples, idle ones too. */
  readonly share: number
}

export interface AgentSamples {
  /** Most samples first. */
  readonly agents: readonly AgentShare[]
  /** For each sample the place in `agents`, or -1. */
  readonly agentOfSample: readonly number[]
}

/** Finds the transition each sample hit. `toMicros`: turns the recorder's milliseconds into the profile's microseconds. Pure. */
export function agentSamples(profile: CpuProfileData, records: readonly FlightRecord[], toMicros: (ms: number) => number): AgentSamples {
  const transitions = records
    .filter(({ kind }) => kind === 'transition')
    .map(({ startedAtMs, endedAtMs, agentId, agentType }) => ({ from: toMicros(startedAtMs), to: toMicros(endedAtMs), agentId, agentType }))
    .toSorted((a, b) => a.from - b.from)
  const counts = new Map<string, { readonly agentId: string; readonly agentType: string; samples: number }>()
  const hits: (string | undefined)[] = []
  const deltas = profile.timeDeltas ?? []
  let at = profile.startTime
  let next = 0
  /** Begun and perhaps not ended, the innermost last. */
  let open: (typeof transitions)[number][] = []
  for (const delta of deltas) {
    at += delta
    for (let begun = transitions[next]; begun !== undefined && begun.from <= at; begun = transitions[++next]) open.push(begun)
    open = open.filter(({ to }) => to >= at)
    const hit = open.at(-1)
    hits.push(hit?.agentId)
    if (hit === undefined) continue
    const known = counts.get(hit.agentId)
    if (known === undefined) counts.set(hit.agentId, { agentId: hit.agentId, agentType: hit.agentType, samples: 1 })
    else known.samples += 1
  }
  const agents = [...counts.values()]
    .toSorted((a, b) => b.samples - a.samples)
    .map((each) => ({ ...each, share: each.samples / Math.max(1, deltas.length) }))
  const places = new Map(agents.map(({ agentId }, place) => [agentId, place]))
  return { agents, agentOfSample: hits.map((id) => (id === undefined ? -1 : (places.get(id) ?? -1))) }
}
