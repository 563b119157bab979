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
  /** Name of its system; empty where that has none. */
  readonly system: string
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
    .map(({ startedAtMs, endedAtMs, agentId, agentType, system }) => ({
      from: toMicros(startedAtMs),
      to: toMicros(endedAtMs),
      agent: { agentId, agentType, system },
      // Ids are unique in a system only, and may come back as another type.
      key: JSON.stringify([system, agentType, agentId]),
    }))
    .toSorted((a, b) => a.from - b.from)
  const counts = new Map<string, { readonly agent: Omit<AgentShare, 'samples' | 'share'>; samples: number }>()
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
    hits.push(hit?.key)
    if (hit === undefined) continue
    const known = counts.get(hit.key)
    if (known === undefined) counts.set(hit.key, { agent: hit.agent, samples: 1 })
    else known.samples += 1
  }
  const sorted = [...counts].toSorted(([, a], [, b]) => b.samples - a.samples)
  const agents = sorted.map(([, { agent, samples }]) => ({ ...agent, samples, share: samples / Math.max(1, deltas.length) }))
  const places = new Map(sorted.map(([key], place) => [key, place]))
  return { agents, agentOfSample: hits.map((key) => (key === undefined ? -1 : (places.get(key) ?? -1))) }
}
