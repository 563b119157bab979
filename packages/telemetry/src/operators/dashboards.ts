import { DashboardBuilder, RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard'
import type { Document } from './document.ts'
import { askedBy, lookedAt, type LookedAt } from './looked-at.ts'
import type { ResolvedOperatorOptions } from './options.ts'
import { heatMap, lines, stat } from './panels.ts'
import { percentile } from './queries.ts'

const TAGS = ['stigmergy']

/** What agents decide: stages, ages, violations, drift. */
export function decisionsDashboard(options: ResolvedOperatorOptions): Document {
  const { mapAgeSeconds, decisionSeconds } = options
  const look = lookedAt(options)
  const ask = askedBy(look)
  const now = (title: string, metric: Metric, expr: string) => stat(title, metric, expr, 1).span(5).height(4)
  return dashboard('stigmergy-decisions', 'Stigmergy: decisions', look)
    .withRow(new RowBuilder('Now'))
    .withPanel(now('Safety violations, 5 min', 'agent_violations_total', ask.counted('agent_violations_total')))
    .withPanel(now('Stale decisions, 5 min', 'agent_stale_decisions_total', ask.counted('agent_stale_decisions_total')))
    .withPanel(now('Drifting agents', 'agent_alarms_active', ask.total('agent_alarms_active', [], 'kind="drift"')))
    .withPanel(now('Objectives missed', 'agent_alarms_active', ask.total('agent_alarms_active', [], 'kind="slo"')))
    .withPanel(now('Failures per failure', 'agent_error_reproduction_number', ask.largest('agent_error_reproduction_number', [])).span(4))
    .withRow(new RowBuilder('Latency of each stage'))
    .withPanel(heatMap('Perception', 'perception_latency_seconds', ask.buckets('perception_latency_seconds')))
    .withPanel(heatMap('Planning', 'planning_latency_seconds', ask.buckets('planning_latency_seconds')))
    .withPanel(heatMap('Actuation', 'actuation_latency_seconds', ask.buckets('actuation_latency_seconds')))
    .withPanel(heatMap('Whole decision', 'agent_decision_latency_seconds', ask.buckets('agent_decision_latency_seconds')))
    .withPanel(
      lines({
        title: 'Decision, 99th percentile',
        metric: 'agent_decision_latency_seconds',
        queries: { '{{agent_type}} {{region}}': ask.percentile(0.99, 'agent_decision_latency_seconds', ['agent_type', 'region']) },
        unit: 's',
        limit: decisionSeconds,
      }),
    )
    .withPanel(
      lines({
        title: 'Task assignment',
        metric: 'task_assignment_latency_seconds',
        queries: {
          median: ask.percentile(0.5, 'task_assignment_latency_seconds', []),
          p95: ask.percentile(0.95, 'task_assignment_latency_seconds', []),
          p99: ask.percentile(0.99, 'task_assignment_latency_seconds', []),
        },
        unit: 's',
      }),
    )
    .withRow(new RowBuilder('The world they decide on'))
    .withPanel(
      lines({
        title: 'Age of maps and sources',
        metric: 'map_stale_age_seconds',
        queries: { '{{map}} {{source}}': ask.largest('map_stale_age_seconds', ['map', 'source']) },
        unit: 's',
        limit: mapAgeSeconds,
      }),
    )
    .withPanel(
      lines({
        title: 'Age of the world at the decision',
        metric: 'agent_worldmodel_age_seconds',
        queries: { '{{agent_type}} p99': ask.percentile(0.99, 'agent_worldmodel_age_seconds', ['agent_type']) },
        unit: 's',
      }),
    )
    .withRow(new RowBuilder('Safety and alarms'))
    .withPanel(
      lines({
        title: 'Safety violations',
        metric: 'agent_violations_total',
        queries: { '{{agent_type}} {{region}}': ask.countedAt('agent_violations_total', ['region', 'agent_type']) },
        unit: 'short',
        events: true,
      }).span(24),
    )
    .withPanel(
      lines({
        title: 'Drift of decisions, sigma',
        metric: 'agent_decision_drift_sigma',
        queries: { '{{agent_type}} {{agent_id}}': ask.largest('agent_decision_drift_sigma', ['agent_type', 'agent_id']) },
        unit: 'short',
        limit: 2,
      }),
    )
    .withPanel(
      lines({
        title: 'Alarms raised',
        metric: 'agent_alarms_total',
        queries: { '{{kind}}': ask.increase('agent_alarms_total', ['kind']) },
        unit: 'short',
        events: true,
      }),
    )
    .build() as unknown as Document
}

/** How the runtime is: what an autoscaler looks at, failures, the grid, and what telemetry itself loses. */
export function fleetDashboard(options: ResolvedOperatorOptions): Document {
  const { mailboxSeconds, decisionSeconds } = options
  const byType = ['agent_type']
  const look = lookedAt(options)
  const ask = askedBy(look)
  return dashboard('stigmergy-fleet', 'Stigmergy: fleet', look)
    .withRow(new RowBuilder('What the fleet is scaled by'))
    .withPanel(
      lines({
        title: 'Wait in mailboxes, 95th percentile',
        metric: 'agent_mailbox_wait_seconds',
        queries: { 'fleet {{namespace}}': percentile(0.95, 'agent_mailbox_wait_seconds', ['namespace'], '1m', look.fleet) },
        unit: 's',
        limit: mailboxSeconds,
      }),
    )
    .withPanel(
      lines({
        title: 'Decision, 99th percentile',
        metric: 'agent_decision_latency_seconds',
        queries: { 'fleet {{namespace}}': percentile(0.99, 'agent_decision_latency_seconds', ['namespace'], '1m', look.fleet) },
        unit: 's',
        limit: decisionSeconds,
      }),
    )
    .withPanel(series('Agents running', 'agents_running', ask.total('agents_running', byType), '{{agent_type}}'))
    .withPanel(series('Events waiting', 'agent_mailbox_depth', ask.total('agent_mailbox_depth', byType), '{{agent_type}}'))
    .withRow(new RowBuilder('Failures'))
    .withPanel(events('Restarts', 'agent_restarts_total', ask.increase('agent_restarts_total', byType), '{{agent_type}}'))
    .withPanel(
      events(
        'Supervisors that gave up',
        'agent_escalations_total',
        ask.countedAt('agent_escalations_total', ['supervisor']),
        '{{supervisor}}',
      ),
    )
    .withPanel(events('Dead letters', 'dead_letters_total', ask.increase('dead_letters_total', ['reason']), '{{reason}}'))
    .withPanel(
      series(
        'Breakers: 0 closed, 1 half open, 2 open',
        'agent_breaker_state',
        ask.largest('agent_breaker_state', ['breaker']),
        '{{breaker}}',
      ),
    )
    .withPanel(
      events('Inference errors', 'policy_inference_errors_total', ask.increase('policy_inference_errors_total', ['policy']), '{{policy}}'),
    )
    .withPanel(
      events('Errors in the log', 'log_records_total', ask.increase('log_records_total', byType, 'level=~"error|fatal"'), '{{agent_type}}'),
    )
    .withRow(new RowBuilder('Grid'))
    .withPanel(series('Changes per second', 'grid_changes_total', ask.rate('grid_changes_total', ['map']), '{{map}}'))
    .withPanel(
      series('Near-cache reads per second', 'grid_near_cache_reads_total', ask.rate('grid_near_cache_reads_total', ['map']), '{{map}}'),
    )
    .withPanel(series('Near-cache entries', 'grid_near_cache_entries', ask.total('grid_near_cache_entries', ['map']), '{{map}}'))
    .withPanel(
      series('Journal lag', 'journal_lag_records', ask.largest('journal_lag_records', ['journal', 'consumer']), '{{journal}} {{consumer}}'),
    )
    .withRow(new RowBuilder('Telemetry itself'))
    .withPanel(events('Lost', 'telemetry_dropped_total', ask.increase('telemetry_dropped_total', ['what']), '{{what}}'))
    .withPanel(
      series(
        'Whole traces among those kept',
        'telemetry_coherent_trace_ratio',
        ask.smallest('telemetry_coherent_trace_ratio'),
        'lowest process',
      ),
    )
    .build() as unknown as Document
}

function dashboard(uid: string, title: string, look: LookedAt): DashboardBuilder {
  const builder = new DashboardBuilder(look.title(title)).uid(look.uid(uid)).tags(TAGS).refresh('10s').time({ from: 'now-30m', to: 'now' })
  for (const variable of look.variables) builder.withVariable(variable)
  return builder
}

type Metric = Parameters<typeof lines>[0]['metric']

function series(title: string, metric: Metric, expr: string, legend: string): ReturnType<typeof lines> {
  return lines({ title, metric, queries: { [legend]: expr }, unit: 'short' })
}

function events(title: string, metric: Metric, expr: string, legend: string): ReturnType<typeof lines> {
  return lines({ title, metric, queries: { [legend]: expr }, unit: 'short', events: true })
}
