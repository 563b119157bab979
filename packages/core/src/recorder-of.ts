import type { TraceContext } from '@stigmergy/grid'
import type { CoreHooks, TransitionRecorder } from './hooks.ts'

/** How these hooks are told of transitions: their own recorder, or one that makes the objects of the other form. Undefined: not at all. */
export function recorderOf(hooks: CoreHooks): TransitionRecorder | undefined {
  const { transitions } = hooks
  if (transitions !== undefined) return transitions
  if (hooks.onTransitionStart === undefined && hooks.onTransitionEnd === undefined) return undefined
  return {
    start: (agent, event, trace, enqueuedAtMs, startedAtMs, restarts): TraceContext | undefined =>
      hooks.onTransitionStart?.({ agent, event, trace, enqueuedAtMs, startedAtMs, restarts }),
    end: (
      agent,
      event,
      trace,
      enqueuedAtMs,
      startedAtMs,
      restarts,
      endedAtMs,
      from,
      to,
      tagsBefore,
      tagsAfter,
      error,
      context,
      ignored = false,
      worldAtMs,
    ): void =>
      hooks.onTransitionEnd?.({
        agent,
        event,
        trace,
        enqueuedAtMs,
        startedAtMs,
        restarts,
        endedAtMs,
        from,
        to,
        tagsBefore,
        tagsAfter,
        error,
        context,
        ignored,
        worldAtMs,
      }),
  }
}
