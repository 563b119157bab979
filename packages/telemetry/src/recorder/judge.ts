import type { AgentRow } from './agents.ts'
import { reasonCode, reasonOfTags } from './keep-rules.ts'
import type { ResolvedRecorderOptions } from './options.ts'

const ERROR = reasonCode('error')
const SLO = reasonCode('slo')
const SLOW = reasonCode('slow')

/** Why the trace of this transition is to be kept, or 0: the code of a reason. Called for every transition. */
export function judge(
  options: Pick<ResolvedRecorderOptions, 'errors' | 'violations'>,
  row: Pick<AgentRow, 'slow' | 'sloMs'>,
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
  return slow ? SLOW : 0
}
