import type { CoreHooks } from '@stigmergy/core'
import type { GridHooks } from '@stigmergy/grid'

/**
 * Spans and metrics from the same hooks. Where the first throws the second is still told; core counts what was thrown (I7).
 * A recorder of transitions tells the metrics itself.
 */
export function withMetrics(spans: CoreHooks | undefined, metrics: CoreHooks): CoreHooks {
  if (spans === undefined) return metrics
  const { transitions } = spans
  return {
    ...(transitions === undefined ? {} : { transitions }),
    onTransitionStart: (start) => spans.onTransitionStart?.(start),
    onTransitionEnd(end) {
      try {
        spans.onTransitionEnd?.(end)
      } finally {
        if (transitions === undefined) metrics.onTransitionEnd?.(end)
      }
    },
    onSpawn: (agent, handles, root) => metrics.onSpawn?.(agent, handles, root),
    onViolation(agent, violation) {
      try {
        spans.onViolation?.(agent, violation)
      } finally {
        metrics.onViolation?.(agent, violation)
      }
    },
    onFailure: (failure) => spans.onFailure?.(failure),
    onRestart(agent, restarts, from) {
      try {
        spans.onRestart?.(agent, restarts, from)
      } finally {
        metrics.onRestart?.(agent, restarts, from)
      }
    },
    onStop(agent, reason) {
      try {
        spans.onStop?.(agent, reason)
      } finally {
        metrics.onStop?.(agent, reason)
      }
    },
    onDependency: (change) => metrics.onDependency?.(change),
    onSupervisor: (supervisor) => metrics.onSupervisor?.(supervisor),
    onEscalation: (escalation) => metrics.onEscalation?.(escalation),
    onNeed: (agent, need, state) => metrics.onNeed?.(agent, need, state),
    onDeadLetter: (letter) => metrics.onDeadLetter?.(letter),
  }
}

export function bothChanges(first: GridHooks, second: GridHooks): GridHooks {
  return {
    onChange(map, change) {
      try {
        first.onChange?.(map, change)
      } finally {
        second.onChange?.(map, change)
      }
    },
  }
}
