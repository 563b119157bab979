import type { CoreHooks, TransitionRecorder } from '@stigmergy/core'
import type { GridHooks, TraceContext } from '@stigmergy/grid'
import type { Current } from '../current.ts'
import type { Recorder } from './recorder.ts'

/** Hooks that write all they are told into the recorder. `then`: who is told of transitions after it. `current`: learns what runs. */
export function createRecorderHooks(
  recorder: Recorder,
  then: TransitionRecorder['end'],
  current: Current,
): { readonly core: CoreHooks; readonly grid: GridHooks } {
  /** Trace of the failure an agent is being restarted from. One per such agent; forgotten when it is back or stopped (I6). */
  const failedIn = new Map<string, TraceContext>()
  const transitions: TransitionRecorder = {
    start(agent, event, trace) {
      const context = recorder.start(agent, event, trace)
      current.begin(agent, context)
      return context
    },
    end(agent, event, trace, enqueuedAtMs, startedAtMs, restarts, endedAtMs, from, to, tagsBefore, tagsAfter, error, context) {
      current.end(context)
      recorder.end(agent, event, trace, enqueuedAtMs, startedAtMs, restarts, endedAtMs, from, to, tagsBefore, tagsAfter, error, context)
      then(agent, event, trace, enqueuedAtMs, startedAtMs, restarts, endedAtMs, from, to, tagsBefore, tagsAfter, error, context)
    },
  }
  const core: CoreHooks = {
    transitions,
    // The same in the form with objects, for who calls the hooks from elsewhere. Core itself uses `transitions` only.
    onTransitionStart: ({ agent, event, trace, enqueuedAtMs, startedAtMs, restarts }) =>
      transitions.start(agent, event, trace, enqueuedAtMs, startedAtMs, restarts),
    onTransitionEnd: (end) =>
      transitions.end(
        end.agent,
        end.event,
        end.trace,
        end.enqueuedAtMs,
        end.startedAtMs,
        end.restarts,
        end.endedAtMs,
        end.from,
        end.to,
        end.tagsBefore,
        end.tagsAfter,
        end.error,
        end.context,
      ),
    onFailure(failure) {
      if (failure.trace !== undefined && failure.decision.type === 'restart') failedIn.set(failure.agent.id, failure.trace)
      recorder.failure(failure)
    },
    onRestart(agent, restarts, from) {
      const trace = failedIn.get(agent.id)
      failedIn.delete(agent.id)
      recorder.restart(agent, restarts, from, trace)
    },
    onStop: (agent) => void failedIn.delete(agent.id),
  }
  return { core, grid: { onChange: (map, change) => recorder.change(map, change.type) } }
}
