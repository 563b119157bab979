import type { Counter, Histogram, Meter, ObservableCounter, ObservableGauge } from '@opentelemetry/api'

/** Buckets of every latency in seconds: 1-2-5 steps from 0.5 ms to 10 s, with edges at the limits that matter here, 50 and 200 ms. */
export const BUCKETS_SECONDS: readonly number[] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10]

/** A row of {@link METRICS}. */
export interface Metric {
  readonly kind: 'histogram' | 'counter' | 'gauge'
  readonly unit: string
  /** Labels beside `region` and `policy_version`, which every metric has where they are set. */
  readonly labels: readonly string[]
  readonly description: string
}

/**
 * Every metric, by its literal name. Seconds are spelled out in the name and given as unit `s`: the only form that is the same
 * through the Prometheus exporter, OTLP and the Collector. The README's table is kept equal by a test.
 */
export const METRICS = {
  agent_decision_latency_seconds: {
    kind: 'histogram',
    unit: 's',
    labels: ['agent_type', 'agent_id'],
    description: 'Event accepted into the mailbox to end of its transition, for every agent with a stage.',
  },
  perception_latency_seconds: {
    kind: 'histogram',
    unit: 's',
    labels: ['agent_type'],
    description: 'Stage perception: event accepted to end of the transition, or time in states tagged stage:perception.',
  },
  planning_latency_seconds: {
    kind: 'histogram',
    unit: 's',
    labels: ['agent_type'],
    description: 'Stage planning: event accepted to end of the transition, or time in states tagged stage:planning.',
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
    description: 'Unix time of the newest world change (event *.put) the agent has taken in.',
  },
  agent_restarts_total: {
    kind: 'counter',
    unit: '{restart}',
    labels: ['agent_type', 'agent_id'],
    description: 'Restarts after a failure.',
  },
  dead_letters_total: {
    kind: 'counter',
    unit: '{event}',
    labels: ['reason'],
    description: 'Events that reached no agent.',
  },
  grid_changes_total: {
    kind: 'counter',
    unit: '{change}',
    labels: ['map', 'type'],
    description: 'Changes that reached the near cache of this process.',
  },
  agent_worldmodel_age_seconds: {
    kind: 'histogram',
    unit: 's',
    labels: ['agent_type'],
    description: 'Age of the oldest thing a decision was made on, as told by `decided` of the alarms.',
  },
  agent_stale_decisions_total: {
    kind: 'counter',
    unit: '{decision}',
    labels: ['agent_type'],
    description: 'Decisions made on a world older than the limit.',
  },
  agent_decision_drift_sigma: {
    kind: 'gauge',
    unit: '1',
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
    description: 'Decisions that took longer than their service level objective allows.',
  },
  agent_error_reproduction_number: {
    kind: 'gauge',
    unit: '1',
    labels: [],
    description: 'Failures caused by others, per failure that began by itself, in the last minute. Above 1 they spread.',
  },
  agent_alarms_total: {
    kind: 'counter',
    unit: '{alarm}',
    labels: ['kind'],
    description: 'Alarms raised: drift, stale, errors, slo.',
  },
  agent_alarms_active: {
    kind: 'gauge',
    unit: '{alarm}',
    labels: ['kind'],
    description: 'Alarms raised and not cleared: drift, errors, slo.',
  },
  telemetry_traces_kept_total: {
    kind: 'counter',
    unit: '{trace}',
    labels: ['reason'],
    description: 'Traces kept, by the first reason, and again by a rule where the base share had kept it already.',
  },
  telemetry_coherent_trace_ratio: {
    kind: 'gauge',
    unit: '1',
    labels: [],
    description: 'Kept traces of which this process could export every span it made, as a share of all it exported.',
  },
  telemetry_records_total: {
    kind: 'counter',
    unit: '{record}',
    labels: [],
    description: 'Records written by the flight recorder.',
  },
  telemetry_records_overwritten_early_total: {
    kind: 'counter',
    unit: '{record}',
    labels: [],
    description: 'Records overwritten before they were as old as the history wanted: give the recorder more memory.',
  },
  telemetry_dropped_total: {
    kind: 'counter',
    unit: '{item}',
    labels: ['what'],
    description: 'Lost by telemetry: span (queue full), value (no finite number of seconds), reading (threw, or told no age).',
  },
  telemetry_export_failures_total: {
    kind: 'counter',
    unit: '{export}',
    labels: ['signal'],
    description: 'Exports that failed, timed out or were given up, by signal: traces, metrics.',
  },
} as const

/** A key of {@link METRICS}. */
export type MetricName = keyof typeof METRICS

export function histogram(meter: Meter, name: MetricName): Histogram {
  const { unit, description }: Metric = METRICS[name]
  return meter.createHistogram(name, { unit, description, advice: { explicitBucketBoundaries: [...BUCKETS_SECONDS] } })
}

export function counter(meter: Meter, name: MetricName): Counter {
  const { unit, description }: Metric = METRICS[name]
  return meter.createCounter(name, { unit, description })
}

export function gauge(meter: Meter, name: MetricName): ObservableGauge {
  const { unit, description }: Metric = METRICS[name]
  return meter.createObservableGauge(name, { unit, description })
}

export function observedCounter(meter: Meter, name: MetricName): ObservableCounter {
  const { unit, description }: Metric = METRICS[name]
  return meter.createObservableCounter(name, { unit, description })
}
