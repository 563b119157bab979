import type { TransitionEnd } from '@stigmergy/core'

/**
 * How long each stage of the decision pipeline took. Pure.
 * - An agent with `stage: 'perception'` or `'planning'` does its stage in one transition that comes to something: accepted into the mailbox -> transition ended.
 * - A state with the tag `stage:<name>` makes a stage of the time spent in such states: from the acceptance of the event that entered
 *   the first of them to the end of the transition that left the last. Actuation is measured only so, as an arm moves between events.
 * Where an agent has both for the same name, the tag counts.
 */

/** A transition, whatever its cause. */
export type Ended = Omit<TransitionEnd, 'trace'>

/** What a stage took, in seconds. */
export interface StageLatency {
  readonly stage: string
  readonly seconds: number
}

/** When the tagged stages an agent is in began: name -> monotonic ms. */
export type StageStarts = ReadonlyMap<string, number>

const STAGE_TAG = 'stage:'

/** Stages that an agent named by its `stage` option completes with each transition. */
const DONE_BY_A_TRANSITION: ReadonlySet<string> = new Set(['perception', 'planning'])

const NONE: StageStarts = new Map()
const NOTHING: readonly StageLatency[] = []

/** Seconds from the acceptance of the event into the mailbox to the end of its transition. */
export function transitionSeconds(end: Ended): number {
  return Math.max(0, end.endedAtMs - end.enqueuedAtMs) / 1000
}

/** The stage done by this transition as such, if the agent's `stage` option says so. */
export function stageOfTransition(end: Ended): StageLatency | undefined {
  const { stage } = end.agent
  if (stage === undefined || !DONE_BY_A_TRANSITION.has(stage)) return undefined
  const tag = STAGE_TAG + stage
  if (end.tagsBefore.has(tag) || end.tagsAfter.has(tag)) return undefined
  return { stage, seconds: transitionSeconds(end) }
}

/** Which tagged stages go on after this transition, and which it ended. */
export function stepStages(
  starts: StageStarts | undefined,
  end: Ended,
): { readonly starts: StageStarts; readonly ended: readonly StageLatency[] } {
  if (end.tagsBefore.size === 0 && end.tagsAfter.size === 0) return { starts: NONE, ended: NOTHING }
  const next = new Map<string, number>()
  for (const stage of stagesIn(end.tagsAfter)) {
    if (!end.tagsBefore.has(STAGE_TAG + stage)) next.set(stage, end.enqueuedAtMs)
    else {
      // Restored into a tagged state by another process: its start is not known here, so nothing is measured.
      const startedAtMs = starts?.get(stage)
      if (startedAtMs !== undefined) next.set(stage, startedAtMs)
    }
  }
  const ended: StageLatency[] = []
  for (const stage of stagesIn(end.tagsBefore)) {
    const startedAtMs = starts?.get(stage)
    if (startedAtMs === undefined || end.tagsAfter.has(STAGE_TAG + stage)) continue
    ended.push({ stage, seconds: Math.max(0, end.endedAtMs - startedAtMs) / 1000 })
  }
  return { starts: next, ended }
}

/** The stage a transition belongs to in a trace: the agent's own, else that of a tagged state entered, stayed in or left. */
export function stageName(end: Ended): string | undefined {
  return end.agent.stage ?? stageOfTags(end.tagsBefore, end.tagsAfter)
}

/** The stage of a tagged state entered or stayed in, else of one that was left. */
export function stageOfTags(tagsBefore: ReadonlySet<string>, tagsAfter: ReadonlySet<string>): string | undefined {
  for (const stage of stagesIn(tagsAfter)) return stage
  for (const stage of stagesIn(tagsBefore)) return stage
  return undefined
}

function* stagesIn(tags: ReadonlySet<string>): Generator<string> {
  for (const tag of tags) if (tag.startsWith(STAGE_TAG)) yield tag.slice(STAGE_TAG.length)
}
