import type { Attributes } from '@opentelemetry/api'
import type { AgentInfo, CoreHooks, TransitionEnd, TransitionRecorder } from '@stigmergy/core'
import type { GridHooks } from '@stigmergy/grid'
import type { Labels } from './labels.ts'
import type { BoundHistogram, Instrument, Instruments } from './metrics/instruments.ts'
import type { SpanTime } from './span-time.ts'
import { stageOfTransition, stepStages, transitionSeconds, type StageLatency, type StageStarts } from './stages.ts'

/** Hooks that record metrics, with the end of a transition in both forms. */
export interface MetricHooks {
  readonly core: CoreHooks
  readonly grid: GridHooks
  readonly transitionEnd: TransitionRecorder['end']
}

/** The series of one agent, found once. */
interface AgentRow {
  readonly wait: BoundHistogram
  /** Only of an agent with a stage. */
  readonly decision: BoundHistogram | undefined
  readonly worldAge: BoundHistogram | undefined
  /** Monotonic ms of the newest world change it has taken in. */
  worldSeenAtMs: number | undefined
}

/** Numbers of the states of a breaker, the worse the higher. */
const BREAKER_STATES = { closed: 0, 'half-open': 1, open: 2 } as const

const STAGES = ['perception', 'planning', 'actuation'] as const

/** Hooks that record the metrics of agents and maps. What they keep is bounded by the agents alive and the labels (I6). */
export function createMetricHooks(instruments: Instruments, labels: Labels, time: SpanTime): MetricHooks {
  const wait = instruments.histogram('agent_mailbox_wait_seconds')
  const decision = instruments.histogram('agent_decision_latency_seconds')
  const worldAge = instruments.histogram('agent_worldmodel_age_seconds')
  const stages = new Map<string, Instrument<BoundHistogram>>(
    STAGES.map((stage) => [stage, instruments.histogram(`${stage}_latency_seconds`)]),
  )
  const restarted = instruments.counter('agent_restarts_total')
  const deadLetters = instruments.counter('dead_letters_total')
  const changes = instruments.counter('grid_changes_total')
  const changeLabels = new Map<Attributes, Map<string, Attributes>>()

  const rows = new WeakMap<AgentInfo, AgentRow>()
  let lastAgent: AgentInfo | undefined
  let lastRow: AgentRow | undefined
  /** Tagged stages each agent is in. Survives a restart of the agent: the stage goes on, its latency includes the repair. */
  const starts = new Map<string, StageStarts>()
  /** Newest world change per set of labels, so that agents beyond the bound share one value. */
  const worldSeenMs = new Map<Attributes, number>()
  const running = new Map<Attributes, number>()
  /** States of breakers, by their labels. */
  const breakers = new Map<Attributes, number>()

  instruments.observe('agent_worldmodel_timestamp_seconds', (tell) => {
    for (const [attributes, epochMs] of worldSeenMs) tell(epochMs / 1000, attributes)
  })
  instruments.observe('agents_running', (tell) => {
    for (const [attributes, count] of running) tell(count, attributes)
  })
  instruments.observe('agent_breaker_state', (tell) => {
    for (const [attributes, state] of breakers) tell(state, attributes)
  })
  const runs = (agent: AgentInfo, change: 1 | -1): void => {
    const own = labels.ofType(agent)
    running.set(own, Math.max(0, (running.get(own) ?? 0) + change))
  }

  const rowOf = (agent: AgentInfo): AgentRow => {
    if (agent === lastAgent) return lastRow as AgentRow
    let row = rows.get(agent)
    if (row === undefined) {
      const decides = agent.stage !== undefined
      row = {
        wait: wait.bind(labels.ofType(agent)),
        decision: decides ? decision.bind(labels.ofAgent(agent)) : undefined,
        worldAge: decides ? worldAge.bind(labels.ofAgent(agent)) : undefined,
        worldSeenAtMs: undefined,
      }
      rows.set(agent, row)
    }
    lastAgent = agent
    lastRow = row
    return row
  }

  const recordStages = (end: TransitionEnd): void => {
    const record = ({ stage, seconds }: StageLatency): void =>
      stages.get(stage)?.bind(labels.ofType(end.agent)).record(seconds, end.context)
    const own = stageOfTransition(end)
    if (own !== undefined) record(own)
    const step = stepStages(starts.get(end.agent.id), end)
    if (step.starts.size > 0) starts.set(end.agent.id, step.starts)
    else starts.delete(end.agent.id)
    for (const ended of step.ended) record(ended)
  }

  const measure = (row: AgentRow, end: TransitionEnd): void => {
    if (isWorldPut(end.event)) {
      row.worldSeenAtMs = end.enqueuedAtMs
      worldSeenMs.set(labels.ofAgent(end.agent), time.toEpochMs(end.enqueuedAtMs))
    }
    row.decision?.record(transitionSeconds(end), end.context)
    if (row.worldSeenAtMs !== undefined) row.worldAge?.record(Math.max(0, end.endedAtMs - row.worldSeenAtMs) / 1000, end.context)
    recordStages(end)
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
    const row = rowOf(agent)
    row.wait.record(Math.max(0, startedAtMs - enqueuedAtMs) / 1000)
    // A transition that threw decided nothing and left the state as it was: it shows in restarts and traces.
    if (error !== undefined) return
    // Most transitions have nothing more to measure: no object is made for them.
    if (agent.stage === undefined && tagsBefore.size + tagsAfter.size === 0 && !starts.has(agent.id) && !isWorldPut(event)) return
    measure(row, {
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

  const core: CoreHooks = {
    onTransitionEnd(end) {
      const row = rowOf(end.agent)
      row.wait.record(Math.max(0, end.startedAtMs - end.enqueuedAtMs) / 1000)
      if (end.error === undefined) measure(row, end)
    },
    onSpawn: (agent) => runs(agent, 1),
    onRestart: (agent) => restarted.bind(labels.ofAgent(agent)).add(1),
    onStop(agent) {
      runs(agent, -1)
      starts.delete(agent.id)
      const own = labels.ownOf(agent)
      if (own !== undefined) worldSeenMs.delete(own)
    },
    onDependency: ({ name, to }) => void breakers.set(labels.with('breaker', name), BREAKER_STATES[to]),
    onDeadLetter: (letter) => deadLetters.bind(labels.with('reason', letter.reason)).add(1),
  }

  const grid: GridHooks = {
    onChange(map, change) {
      const ofMap = labels.with('map', map)
      let byType = changeLabels.get(ofMap)
      if (byType === undefined) changeLabels.set(ofMap, (byType = new Map()))
      let attributes = byType.get(change.type)
      if (attributes === undefined) byType.set(change.type, (attributes = Object.freeze({ ...ofMap, type: change.type })))
      changes.bind(attributes).add(1)
    },
  }
  return { core, grid, transitionEnd }
}

/** A change of a watched map as core tells it: `<name>.put`. */
function isWorldPut(event: string): boolean {
  return event.endsWith('.put') && !event.startsWith('xstate.')
}
