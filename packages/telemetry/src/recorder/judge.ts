import type { AgentRow } from './agents.ts'
import { reasonCode, reasonOfTags } from './keep-rules.ts'
import { stageOfTags } from '../stages.ts'
import type { ResolvedRecorderOptions } from './options.ts'

const ERROR = reasonCode('error')
const SLO = reasonCode('slo')
const SLOW = reasonCode('slow')

/** Why the trace of this transition is to be kept, or 0: the code of a reason. Called for every transition. */
export function judge(
  options: Pick<ResolvedRecorderOptions, 'errors' | 'violations' | 'sloMs'>,
  row: Pick<AgentRow, 'slow' | 'sloMs' | 'stage'>,
  latencyMs: number,
  nowMs: number,
  failed: boolean,
  tagsBefore: ReadonlySet<string>,
  tagsAfter: ReadonlySet<string>,
): number {
  // Counted first: the limit must see every value.
  const slow = row.slow?.over(latencyMs, nowMs) === true
  if (failed && options.errors) return ERROR
  if (tagsAfter.size > 0 && options.violations) {
    const tagged = reasonOfTags(tagsBefore, tagsAfter)
    if (tagged !== 0) return tagged
  }
  if (latencyMs > row.sloMs) return SLO
  // An agent without a stage of its own does that of the tagged state it enters, stays in or leaves.
  if (row.stage === 0 && options.sloMs.size > 0 && tagsAfter.size + tagsBefore.size > 0) {
    const stage = stageOfTags(tagsBefore, tagsAfter)
    if (stage !== undefined && latencyMs > (options.sloMs.get(stage) ?? Infinity)) return SLO
  }
  return slow ? SLOW : 0
}
