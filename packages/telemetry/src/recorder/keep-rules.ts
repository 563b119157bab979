/**
 * Why a trace is kept. `base`: a share of all traces, chosen by their ids, so that every process chooses the same ones.
 * `cause`: a transition of another kept trace was linked to it. Order and numbers are part of what is recorded.
 */
export const KEEP_REASONS = ['base', 'error', 'violation', 'slo', 'slow', 'drift', 'stale', 'debug', 'remote', 'cause'] as const

export type KeepReason = (typeof KEEP_REASONS)[number]

/** The number of a reason in a record: from 1; 0 is "not kept". */
export function reasonCode(reason: KeepReason): number {
  return KEEP_REASONS.indexOf(reason) + 1
}

const BASE = reasonCode('base')
const CAUSE = reasonCode('cause')

/** A state with this tag is a violation of safety: entering it keeps the trace. Other reasons by `keep:<reason>`. */
export const VIOLATION_TAG = 'violation'

const KEEP_TAG = 'keep:'

/** The reason that the tags of a state entered give, or 0. */
export function reasonOfTags(before: ReadonlySet<string>, after: ReadonlySet<string>): number {
  for (const tag of after) {
    if (before.has(tag)) continue
    if (tag === VIOLATION_TAG) return reasonCode('violation')
    if (!tag.startsWith(KEEP_TAG)) continue
    const code = reasonCode(tag.slice(KEEP_TAG.length) as KeepReason)
    if (code > 0) return code
  }
  return 0
}

/**
 * True if what a kept trace is linked to is kept as well. Not of one that is kept by chance, nor of one that is a cause itself: else half
 * of all that ever was could hang on a single plan.
 */
export function leads(reason: number): boolean {
  return reason > BASE && reason !== CAUSE
}

/** True for the share `ratio` of all traces; `word`: the last 32 bits of the trace id, which are random. */
export function inShare(word: number, ratio: number): boolean {
  return word < ratio * 2 ** 32
}
