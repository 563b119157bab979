import type { Attributes, Histogram, Meter } from '@opentelemetry/api'
import type { CoreHooks, TransitionEnd, TransitionRecorder } from '@stigmergy/core'
import type { GridHooks } from '@stigmergy/grid'
import type { Labels } from './labels.ts'
import { counter, gauge, histogram } from './metrics.ts'
import type { SpanTime } from './span-time.ts'
import { stageOfTransition, stepStages, transitionSeconds, type StageStarts } from './stages.ts'

/** Hooks that record metrics, with the end of a transition in both forms. */
export interface MetricHooks {
  readonly core: CoreHooks
  readonly grid: GridHooks
  readonly transitionEnd: TransitionRecorder['end']
}

/** Hooks that record the metrics of agents and maps. What they keep is bounded by the agents alive and the labels (I6). */
export function createMetricHooks(meter: Meter, labels: Labels, time: SpanTime): MetricHooks {
  const decision = histogram(meter, 'agent_decision_latency_seconds')
  const stages = new Map<string, Histogram>([
    ['perception', histogram(meter, 'perception_latency_seconds')],
    ['planning', histogram(meter, 'planning_latency_seconds')],
    ['actuation', histogram(meter, 'actuation_latency_seconds')],
  ])
  const restarted = counter(meter, 'agent_restarts_total')
  const deadLetters = counter(meter, 'dead_letters_total')
  const changes = counter(meter, 'grid_changes_total')
  const changeLabels = new Map<Attributes, Map<string, Attributes>>()

  /** Tagged stages each agent is in. Survives a restart of the agent: the stage goes on, its latency includes the repair. */
  const starts = new Map<string, StageStarts>()
  /** Newest world change per set of labels, so that agents beyond the bound share one value. */
  const worldSeenMs = new Map<Attributes, number>()

  gauge(meter, 'agent_worldmodel_timestamp_seconds').addCallback((result) => {
    for (const [attributes, epochMs] of worldSeenMs) result.observe(epochMs / 1000, attributes)
  })

  const recordStages = (end: TransitionEnd): void => {
    const own = stageOfTransition(end)
    if (own !== undefined) stages.get(own.stage)?.record(own.seconds, labels.ofType(end.agent))
    const step = stepStages(starts.get(end.agent.id), end)
    if (step.starts.size > 0) starts.set(end.agent.id, step.starts)
    else starts.delete(end.agent.id)
    for (const { stage, seconds } of step.ended) stages.get(stage)?.record(seconds, labels.ofType(end.agent))
  }

  const core: CoreHooks = {
    onTransitionEnd(end) {
      // A transition that threw decided nothing and left the state as it was: it shows in restarts and traces.
      if (end.error !== undefined) return
      if (end.agent.stage !== undefined) decision.record(transitionSeconds(end), labels.ofAgent(end.agent))
      recordStages(end)
      if (isWorldPut(end.event)) worldSeenMs.set(labels.ofAgent(end.agent), time.toEpochMs(end.enqueuedAtMs))
    },
    onRestart: (agent) => restarted.add(1, labels.ofAgent(agent)),
    onStop(agent) {
      starts.delete(agent.id)
      const own = labels.ownOf(agent)
      if (own !== undefined) worldSeenMs.delete(own)
    },
    onDeadLetter: (letter) => deadLetters.add(1, labels.with('reason', letter.reason)),
  }

  const grid: GridHooks = {
    onChange(map, change) {
      const ofMap = labels.with('map', map)
      let byType = changeLabels.get(ofMap)
      if (byType === undefined) changeLabels.set(ofMap, (byType = new Map()))
      let attributes = byType.get(change.type)
      if (attributes === undefined) byType.set(change.type, (attributes = { ...ofMap, type: change.type }))
      changes.add(1, attributes)
    },
  }
  const transitionEnd: TransitionRecorder['end'] = (
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
  ) => {
    // Most transitions have nothing to measure: no object is made for them.
    if (error !== undefined) return
    if (agent.stage === undefined && tagsBefore.size + tagsAfter.size === 0 && !starts.has(agent.id) && !isWorldPut(event)) return
    core.onTransitionEnd?.({
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
    })
  }
  return { core, grid, transitionEnd }
}

/** A change of a watched map as core tells it: `<name>.put`. */
function isWorldPut(event: string): boolean {
  return event.endsWith('.put') && !event.startsWith('xstate.')
}
