import { SELF_METRICS } from './self-table.ts'

export { BUCKETS_SECONDS } from './buckets.ts'
export type { Metric } from './metric.ts'

/** What is told of agents and the grid. */
const HOUSE_METRICS = {
  agent_decision_latency_seconds: {
    kind: 'histogram',
    unit: 's',
    labels: ['agent_type', 'agent_id'],
    description: 'Event accepted into the mailbox to end of its transition, for every agent with a stage; not of events it ignores.',
  },
  perception_latency_seconds: {
    kind: 'histogram',
    unit: 's',
    labels: ['agent_type'],
    description:
      'Stage perception: event accepted to end of the transition, ignored events aside, or time in states tagged stage:perception.',
  },
  planning_latency_seconds: {
    kind: 'histogram',
    unit: 's',
    labels: ['agent_type'],
    description: 'Stage planning: event accepted to end of the transition, ignored events aside, or time in states tagged stage:planning.',
  },
  actuation_latency_seconds: {
    kind: 'histogram',
    unit: 's',
    labels: ['agent_type'],
    description: 'Time in states tagged stage:actuation, from the event that entered to the end of the transition that left.',
  },
  task_assignment_latency_seconds: {
    kind: 'histogram',
    unit: 's',
    labels: [],
    description: 'Task known to task assigned, as told by recordTaskAssignment.',
  },
  map_stale_age_seconds: {
    kind: 'gauge',
    unit: 's',
    labels: ['map', 'source'],
    description: 'Replica age of a map, or age of a source where the label source is set.',
  },
  agent_worldmodel_timestamp_seconds: {
    kind: 'gauge',
    unit: 's',
    labels: ['agent_type', 'agent_id'],
    description: 'Unix time of the newest entry of a watched map that the agent has taken in: when this process accepted it.',
  },
  agent_worldmodel_age_seconds: {
    kind: 'histogram',
    unit: 's',
    labels: ['agent_type', 'agent_id'],
    description: 'Age of the newest entry of a watched map that the agent had taken in when it decided, for every agent with a stage.',
  },
  agent_mailbox_wait_seconds: {
    kind: 'histogram',
    unit: 's',
    labels: ['agent_type'],
    description: 'Event accepted into the mailbox to begin of its transition.',
  },
  agent_mailbox_depth: {
    kind: 'gauge',
    unit: '{event}',
    labels: ['agent_type', 'agent_id'],
    description: 'Events that wait for an agent, of the systems that are watched.',
  },
  agents_running: { kind: 'gauge', unit: '{agent}', labels: ['agent_type'], description: 'Agents spawned here that have not ended.' },
  agent_breaker_state: {
    kind: 'gauge',
    unit: '{state}',
    labels: ['breaker'],
    description: 'State of the breaker of a dependency: 0 closed, 1 half open, 2 open. Told at its first change; others by observe.',
  },
  policy_inference_errors_total: {
    kind: 'counter',
    unit: '{error}',
    labels: ['policy'],
    description: 'Inferences of a policy that failed: invoked actors with an id `policy:<name>`, and what count was told.',
  },
  agent_restarts_total: {
    kind: 'counter',
    unit: '{restart}',
    labels: ['agent_type', 'agent_id'],
    description: 'Restarts after a failure.',
  },
  agent_violations_total: {
    kind: 'counter',
    unit: '{violation}',
    labels: ['agent_type'],
    description: 'States tagged `violation` that were entered, whether or not their traces are kept.',
  },
  agent_escalations_total: {
    kind: 'counter',
    unit: '{escalation}',
    labels: ['supervisor'],
    description: 'Supervisors that gave up on a child and passed it on to the one above.',
  },
  agent_needs_unmet: {
    kind: 'gauge',
    unit: '{agent}',
    labels: ['need', 'state'],
    description: 'Agents with a need that is not met (state degraded), or is met again and waits to be acknowledged (state latched).',
  },
  dead_letters_total: { kind: 'counter', unit: '{event}', labels: ['reason'], description: 'Events that reached no agent.' },
  grid_changes_total: {
    kind: 'counter',
    unit: '{change}',
    labels: ['map', 'type'],
    description: 'Changes that reached the near cache of this process.',
  },
  grid_near_cache_reads_total: {
    kind: 'counter',
    unit: '{read}',
    labels: ['map'],
    description: 'Reads answered by the near cache of a map.',
  },
  grid_near_cache_entries: { kind: 'gauge', unit: '{entry}', labels: ['map'], description: 'Entries the near cache of a map holds.' },
  grid_near_cache_evictions_total: {
    kind: 'counter',
    unit: '{entry}',
    labels: ['map'],
    description: 'Entries that a bounded near cache let go.',
  },
  journal_lag_records: {
    kind: 'gauge',
    unit: '{record}',
    labels: ['journal', 'consumer'],
    description: 'Records a consumer of a journal has not read yet: of the readers given to watchJournal, or as told by observe.',
  },
  agent_stale_decisions_total: {
    kind: 'counter',
    unit: '{decision}',
    labels: ['agent_type'],
    description: 'Decisions made on a world older than the limit.',
  },
  agent_decision_drift_sigma: {
    kind: 'gauge',
    unit: '{sigma}',
    labels: ['agent_type', 'agent_id'],
    description: 'How far the last window of decisions is from its baseline, in sigma: a G-test, 2 is a true two sigma, one-sided.',
  },
  agent_drift_unwatched_decisions: {
    kind: 'gauge',
    unit: '{decision}',
    labels: [],
    description: 'Decisions not watched for drift, since there are more agents than the bound.',
  },
  agent_slo_breaches_total: {
    kind: 'counter',
    unit: '{decision}',
    labels: ['agent_type'],
    description: 'Decisions that took longer than their service level objective allows, of types that have one.',
  },
  agent_error_reproduction_number: {
    kind: 'gauge',
    unit: '{failure}',
    labels: [],
    description: 'Failures caused by others, per failure that began by itself, in the last minute. Above 1 they spread.',
  },
  agent_alarms_total: {
    kind: 'counter',
    unit: '{alarm}',
    labels: ['kind'],
    description: 'Alarms raised: drift, stale, errors, spread, slo.',
  },
  agent_alarms_active: {
    kind: 'gauge',
    unit: '{alarm}',
    labels: ['kind'],
    description: 'Alarms raised and not cleared: drift, errors, spread, slo.',
  },
  log_records_total: {
    kind: 'counter',
    unit: '{record}',
    labels: ['level', 'agent_type'],
    description: 'Lines written to the log, by level; with the type of the agent where one was running.',
  },
} as const

/**
 * Every metric, by its literal name. Seconds are spelled out in the name and given as unit `s`: the only form that is the same
 * through the Prometheus exporter, OTLP and the Collector. Other units are in braces, which is no ending of a name: what is of unit `1` becomes
 * `..._ratio` on the way. The README's table is kept equal by a test.
 */
export const METRICS: typeof HOUSE_METRICS & typeof SELF_METRICS = { ...HOUSE_METRICS, ...SELF_METRICS }

/** A key of {@link METRICS}. */
export type MetricName = keyof typeof METRICS
