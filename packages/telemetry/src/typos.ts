import type { AgentInfo, StateShape } from '@stigmergy/core'
import { quote } from './options.ts'

/** Stages that we know: those with a latency of their own, and that of a root made by `startTrace`. */
const STAGES: ReadonlySet<string> = new Set(['perception', 'planning', 'actuation', 'sensor'])
const STAGE_TAG = 'stage:'
const VIOLATION = 'violation'
/** Violations, violated, Violation. */
const LIKE_A_VIOLATION = /^violat/i

/** What `keep.sloMs` calls a transition of any agent with a stage. */
const ANY_STAGE = 'decision'

/** So many names are told at most (I6). */
const MOST_TOLD = 20
/** Agents that do a stage of their own making are there by then. */
const LATEST_MS = 60_000

/**
 * Looks at the names that agents and their machines bring, and says once of each that means nothing to telemetry: a latency that is never
 * measured looks like one that is always fine. `sloMs`: stages that have a limit, and so a meaning; one that no agent has a minute after the
 * first was spawned is told as well, but for the stages we know, as several processes may have one list. `later`: calls once, after so many
 * milliseconds.
 */
export function typosTold(
  warn: (line: string) => void,
  sloMs: ReadonlyMap<string, number>,
  later: (act: () => void, ms: number) => void,
): (agent: AgentInfo, root: StateShape | undefined) => void {
  const seen = new WeakSet<StateShape>()
  const told = new Set<string>()
  const tell = (name: string, line: string): void => {
    if (told.has(name) || told.size >= MOST_TOLD) return
    told.add(name)
    warn(line)
  }
  const without = new Set([...sloMs.keys()].filter((name) => !STAGES.has(name) && name !== ANY_STAGE))
  let waits = false
  const wait = (): void => {
    waits = true
    later(() => {
      for (const name of without)
        tell(`sloMs ${name}`, `telemetry: keep.sloMs has a limit for stage ${quote(name)}, which no agent of this process has`)
    }, LATEST_MS)
  }
  const stage = (type: string, name: string, from: string): void => {
    without.delete(name)
    if (STAGES.has(name) || sloMs.has(name)) return
    tell(
      STAGE_TAG + name,
      `telemetry: ${from} of ${quote(type)} has no latency of its own: perception, planning and actuation have. If it is meant, give it a limit in keep.sloMs`,
    )
  }
  const look = (type: string, { tags, states }: StateShape): void => {
    for (const tag of tags) {
      if (tag.startsWith(STAGE_TAG)) stage(type, tag.slice(STAGE_TAG.length), `tag ${quote(tag)}`)
      else if (LIKE_A_VIOLATION.test(tag) && tag !== VIOLATION)
        tell(tag, `telemetry: tag ${quote(tag)} of ${quote(type)} is no violation that is counted: those are tagged "${VIOLATION}"`)
    }
    for (const child of Object.values(states)) look(type, child)
  }
  return ({ type, stage: own }, root) => {
    if (without.size > 0 && !waits) wait()
    if (own !== undefined) stage(type, own, `stage ${quote(own)}`)
    if (root === undefined || seen.has(root)) return
    seen.add(root)
    look(type, root)
  }
}
