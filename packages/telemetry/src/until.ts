import type { CoreHooks, TransitionRecorder } from '@stigmergy/core'

const SILENT: TransitionRecorder = { start: () => undefined, end: () => {} }

/**
 * The same hooks until `ended` aborts; then they do nothing, for systems that have them still. Core calls a recorder of transitions as it
 * is, so what that does is replaced at the end, rather than asked for at each transition.
 */
export function hooksUntil(hooks: CoreHooks, ended: AbortSignal): CoreHooks {
  const { transitions, ...others } = hooks
  const gated = Object.entries(others).map(([name, hook]) => {
    const call = hook as (...args: readonly unknown[]) => unknown
    return [name, (...args: readonly unknown[]) => (ended.aborted ? undefined : call(...args))] as const
  })
  if (transitions !== undefined) ended.addEventListener('abort', () => void Object.assign(transitions, SILENT), { once: true })
  return { ...(transitions === undefined ? {} : { transitions }), ...(Object.fromEntries(gated) as CoreHooks) }
}
