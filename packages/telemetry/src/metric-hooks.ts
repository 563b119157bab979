import type { Attributes } from '@opentelemetry/api'
import type { AgentInfo, CoreHooks, DeadLetterReason, StateShape } from '@stigmergy/core'
import type { GridHooks } from '@stigmergy/grid'
import { observeBreakers } from './breakers.ts'
import type { Labels } from './labels.ts'
import type { BoundCounter, BoundHistogram, Instrument, Instruments } from './metrics/instruments.ts'
import { observeNeeds } from './needs.ts'
import { createPerAgent } from './per-agent.ts'
import type { Flight } from './recorder/flight.ts'
import { policiesBegun } from './policies.ts'
import type { SpanTime } from './span-time.ts'
import { stageOfTransition, stepStages, transitionSeconds, type Ended, type StageLatency, type StageStarts } from './stages.ts'

/** Hooks that record metrics, with the end of a transition also in a form that makes no objects. */
export interface MetricHooks {
  readonly core: CoreHooks
  readonly grid: GridHooks
  /** The series of an agent: keep them. */
  rowOf(agent: AgentInfo): MetricRow
  /** Records what every transition has. `world`: it says that a watched entry was put. True if there is more, for {@link MetricHooks.measure}. */
  transition(
    row: MetricRow,
    agent: AgentInfo,
    event: string,
    enqueuedAtMs: number,
    startedAtMs: number,
    tagsBefore: ReadonlySet<string>,
    tagsAfter: ReadonlySet<string>,
    error: unknown,
    ignored?: boolean,
    world?: boolean,
  ): boolean
  measure(row: MetricRow, end: Ended): void
}

/** The series of one agent, found once. */
export interface MetricRow {
  readonly wait: BoundHistogram
  /** Only of an agent with a stage. */
  readonly decision: BoundHistogram | undefined
  readonly worldAge: BoundHistogram | undefined
  /** When this process accepted the newest world change that the agent has taken in. Monotonic ms. */
  worldAtMs: number | undefined
  /** The event of the last transition: agents repeat themselves. */
  event: string
  /** Where that event is the failure of a policy. */
  policyErrors: BoundCounter | undefined
}

/** What XState calls the event of an invoked actor that failed, here one with an id `policy:<name>`. */
const POLICY_FAILED = 'xstate.error.actor.policy:'

/** Every reason, for series that begin before there is a dead letter. */
const DEAD_LETTER_REASONS: Readonly<Record<DeadLetterReason, true>> = {
  'unknown-agent': true,
  stopped: true,
  'mailbox-full': true,
  'stash-full': true,
  crashed: true,
  quarantined: true,
  draining: true,
  'bad-event': true,
  undeliverable: true,
  interrupted: true,
}

/** Who is told of what the hooks come by. */
export interface Heard {
  /** Two agents have this id at the same time, so that they share their series. */
  shared(id: string): void
  /** An agent is there: what else counts for its type can begin at 0. */
  spawns(agent: AgentInfo, root: StateShape | undefined): void
  /** A stage told by tags took that long. @default nobody wants to know */
  lasted?: Flight['lasted'] | undefined
}

const STAGES = ['perception', 'planning', 'actuation'] as const

/**
 * Hooks that record the metrics of agents and maps. What they keep is bounded by the agents alive and the labels (I6).
 * `spawned`: labels of the counters that every agent has from its spawn on. They have places of their own, so that agents which never
 * measure anything else take none of those that do.
 */
export function createMetricHooks(
  instruments: Instruments,
  labels: Labels,
  spawned: Labels,
  time: SpanTime,
  { shared, spawns, lasted }: Heard,
): MetricHooks {
  const wait = instruments.histogram('agent_mailbox_wait_seconds')
  const decision = instruments.histogram('agent_decision_latency_seconds')
  const worldAge = instruments.histogram('agent_worldmodel_age_seconds')
  const stages = new Map<string, Instrument<BoundHistogram>>(
    STAGES.map((stage) => [stage, instruments.histogram(`${stage}_latency_seconds`)]),
  )
  const restarted = instruments.counter('agent_restarts_total')
  const violations = instruments.counter('agent_violations_total')
  const deadLetters = instruments.counter('dead_letters_total')
  const policyErrors = instruments.counter('policy_inference_errors_total')
  const escalations = instruments.counter('agent_escalations_total')
  const changes = instruments.counter('grid_changes_total')
  const changeLabels = new Map<Attributes, Map<string, Attributes>>()

  // What appears with a value of 1 has never increased to Prometheus: so counters begin at 0, as early as their labels are known.
  for (const reason of Object.keys(DEAD_LETTER_REASONS)) deadLetters.bind(labels.with('reason', reason)).add(0)
  const beginPolicies = policiesBegun((policy) => policyErrors.bind(labels.with('policy', policy)).add(0))
  const violationsOf = (agent: AgentInfo): BoundCounter => violations.bind(labels.ofType(agent))
  const restartsOf = (agent: AgentInfo): BoundCounter => restarted.bind(spawned.ofAgent(agent))

  /** Tagged stages each agent is in. Survives a restart of the agent: the stage goes on, its latency includes the repair. */
  const starts = new Map<string, StageStarts>()
  /** Newest world change of each agent alive, by id. Monotonic ms. */
  const worldSeen = createPerAgent(labels, Math.min)
  const running = new Map<Attributes, number>()
  const alive = new Map<string, AgentInfo>()
  const breakerChanged = observeBreakers(instruments, labels)

  instruments.observe('agent_worldmodel_timestamp_seconds', (tell) => {
    // As the wall clock says now: where it was set meanwhile, that was set right as well.
    const offsetMs = time.offsetMs()
    for (const [attributes, atMs] of worldSeen.told()) tell((atMs + offsetMs) / 1000, attributes)
  })
  instruments.observe('agents_running', (tell) => {
    for (const [attributes, count] of running) tell(count, attributes)
  })
  const needs = observeNeeds(instruments, labels)
  const runs = (agent: AgentInfo, change: 1 | -1): void => {
    const own = labels.ofType(agent)
    running.set(own, Math.max(0, (running.get(own) ?? 0) + change))
  }

  const rowOf = (agent: AgentInfo): MetricRow => {
    const decides = agent.stage !== undefined
    return {
      wait: wait.bind(labels.ofType(agent)),
      decision: decides ? decision.bind(labels.ofAgent(agent)) : undefined,
      worldAge: decides ? worldAge.bind(labels.ofAgent(agent)) : undefined,
      worldAtMs: undefined,
      event: '',
      policyErrors: undefined,
    }
  }

  const recordStages = (end: Ended): void => {
    const record = ({ stage, seconds }: StageLatency): void =>
      stages.get(stage)?.bind(labels.ofType(end.agent)).record(seconds, end.context)
    const own = stageOfTransition(end)
    if (own !== undefined) record(own)
    const step = stepStages(starts.get(end.agent.id), end)
    if (step.starts.size > 0) starts.set(end.agent.id, step.starts)
    else starts.delete(end.agent.id)
    for (const ended of step.ended) {
      record(ended)
      lasted?.(ended.stage, ended.seconds * 1000, end.context)
    }
  }

  const measure = (row: MetricRow, end: Ended): void => {
    // The present entries of a map come in no order of time: the newest counts.
    if (end.worldAtMs !== undefined) worldSeen.set(end.agent, (row.worldAtMs = Math.max(end.worldAtMs, row.worldAtMs ?? -Infinity)))
    row.decision?.record(transitionSeconds(end), end.context)
    if (row.worldAtMs !== undefined) row.worldAge?.record(Math.max(0, end.endedAtMs - row.worldAtMs) / 1000, end.context)
    recordStages(end)
  }

  const transition: MetricHooks['transition'] = (
    row,
    agent,
    event,
    enqueuedAtMs,
    startedAtMs,
    tagsBefore,
    tagsAfter,
    error,
    ignored,
    world,
  ) => {
    row.wait.record(startedAtMs > enqueuedAtMs ? (startedAtMs - enqueuedAtMs) / 1000 : 0)
    if (event !== row.event) {
      row.event = event
      row.policyErrors = event.startsWith(POLICY_FAILED)
        ? policyErrors.bind(labels.with('policy', event.slice(POLICY_FAILED.length)))
        : undefined
    }
    row.policyErrors?.add(1)
    // A transition that threw decided nothing and left the state as it was: it shows in restarts and traces.
    if (error !== undefined) return false
    // What its machine has no use for is no decision, and no part of what it knows: it only waited.
    if (ignored === true) return false
    return agent.stage !== undefined || world === true || tagsBefore.size + tagsAfter.size > 0 || (starts.size > 0 && starts.has(agent.id))
  }

  /** Only where no recorder tells of transitions, which keeps rows of its own. */
  const rows = new WeakMap<AgentInfo, MetricRow>()
  const core: CoreHooks = {
    onTransitionEnd(end) {
      const { agent, event, enqueuedAtMs, startedAtMs, tagsBefore, tagsAfter, error, ignored, worldAtMs } = end
      let row = rows.get(agent)
      if (row === undefined) rows.set(agent, (row = rowOf(agent)))
      const world = worldAtMs !== undefined
      if (transition(row, agent, event, enqueuedAtMs, startedAtMs, tagsBefore, tagsAfter, error, ignored, world)) measure(row, end)
    },
    onSpawn(agent, handles, root) {
      runs(agent, 1)
      spawns(agent, root)
      beginPolicies(handles, root)
      violationsOf(agent).add(0)
      restartsOf(agent).add(0)
      const other = alive.get(agent.id)
      if (other === undefined) alive.set(agent.id, agent)
      else if (other !== agent) shared(agent.id)
    },
    onViolation: (agent) => violationsOf(agent).add(1),
    onRestart: (agent) => restartsOf(agent).add(1),
    onStop(agent) {
      runs(agent, -1)
      if (alive.get(agent.id) === agent) alive.delete(agent.id)
      starts.delete(agent.id)
      needs.forget(agent.id)
      worldSeen.forget(agent)
    },
    onSupervisor: (supervisor) => escalations.bind(labels.with('supervisor', supervisor)).add(0),
    onEscalation: ({ supervisor }) => escalations.bind(labels.with('supervisor', supervisor)).add(1),
    onNeed: (agent, need, state) => needs.change(agent.id, need, state),
    onDependency: breakerChanged,
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
  return { core, grid, rowOf, transition, measure }
}
