import { ownText } from './own-text.ts'
import { describeThrown } from './thrown.ts'

/** Letters of the id of a plan: longer ones would not fit into an exemplar beside the ids of trace and span. */
const LONGEST = 48

/** The id of a plan as its owner gave it, whatever that is. */
export function planOf(planId: unknown): string {
  return ownText(describeThrown(planId), LONGEST)
}

/** That of a context from elsewhere. What is no text is none: messages that went through JSON or a database have `null` there. */
export function planIn({ planId }: { readonly planId?: unknown }): string | undefined {
  if (typeof planId !== 'string') return undefined
  return planId.length > LONGEST ? ownText(planId, LONGEST) : planId
}
