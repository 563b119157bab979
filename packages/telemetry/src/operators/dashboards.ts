import { DashboardBuilder, DatasourceVariableBuilder, RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard'
import type { Document } from './document.ts'
import type { ResolvedOperatorOptions } from './options.ts'
import { heatMap, lines, stat } from './panels.ts'
import { buckets, increase, largest, percentile, rate, total } from './queries.ts'

const TAGS = ['stigmergy']
const AT = '$__rate_interval'

/** What agents decide: stages, ages, violations, drift. */
export function decisionsDashboard({ mapAgeSeconds, decisionSeconds }: ResolvedOperatorOptions): Document {
  return dashboard('stigmergy-decisions', 'Stigmergy: decisions')
    .withRow(new RowBuilder('Now'))
    .withPanel(
      stat('Drifting agents', 'agent_alarms_active', total('agent_alarms_active', [], '{kind="drift"}'), 1)
        .span(6)
        .height(4),
    )
    .withPanel(
      stat('Objectives missed', 'agent_alarms_active', total('agent_alarms_active', [], '{kind="slo"}'), 1)
        .span(6)
        .height(4),
    )
    .withPanel(
      stat('Stale decisions, 5 min', 'agent_stale_decisions_total', increase('agent_stale_decisions_total', [], '5m'), 1)
        .span(6)
        .height(4),
    )
    .withPanel(
      stat('Failures per failure', 'agent_error_reproduction_number', largest('agent_error_reproduction_number', []), 1).span(6).height(4),
    )
    .withRow(new RowBuilder('Latency of each stage'))
    .withPanel(heatMap('Perception', 'perception_latency_seconds', buckets('perception_latency_seconds')))
    .withPanel(heatMap('Planning', 'planning_latency_seconds', buckets('planning_latency_seconds')))
    .withPanel(heatMap('Actuation', 'actuation_latency_seconds', buckets('actuation_latency_seconds')))
    .withPanel(heatMap('Whole decision', 'agent_decision_latency_seconds', buckets('agent_decision_latency_seconds')))
    .withPanel(
      lines({
        title: 'Decision, 99th percentile',
        metric: 'agent_decision_latency_seconds',
        queries: { '{{agent_type}} {{region}}': percentile(0.99, 'agent_decision_latency_seconds', ['agent_type', 'region'], AT) },
        unit: 's',
        limit: decisionSeconds,
      }),
    )
    .withPanel(
      lines({
        title: 'Task assignment',
        metric: 'task_assignment_latency_seconds',
        queries: {
          median: percentile(0.5, 'task_assignment_latency_seconds', [], AT),
          p95: percentile(0.95, 'task_assignment_latency_seconds', [], AT),
          p99: percentile(0.99, 'task_assignment_latency_seconds', [], AT),
        },
        unit: 's',
      }),
    )
    .withRow(new RowBuilder('The world they decide on'))
    .withPanel(
      lines({
        title: 'Age of maps and sources',
        metric: 'map_stale_age_seconds',
        queries: { '{{map}} {{source}}': largest('map_stale_age_seconds', ['map', 'source']) },
        unit: 's',
        limit: mapAgeSeconds,
      }),
    )
    .withPanel(
      lines({
        title: 'Age of the world at the decision',
        metric: 'agent_worldmodel_age_seconds',
        queries: { '{{agent_type}} p99': percentile(0.99, 'agent_worldmodel_age_seconds', ['agent_type'], AT) },
        unit: 's',
      }),
    )
    .withRow(new RowBuilder('Safety and alarms'))
    .withPanel(
      lines({
        title: 'Safety violations',
        metric: 'agent_violations_total',
        queries: { '{{agent_type}} {{region}}': increase('agent_violations_total', ['region', 'agent_type'], AT) },
        unit: 'short',
        events: true,
      }).span(24),
    )
    .withPanel(
      lines({
        title: 'Drift of decisions, sigma',
        metric: 'agent_decision_drift_sigma',
        queries: { '{{agent_type}} {{agent_id}}': largest('agent_decision_drift_sigma', ['agent_type', 'agent_id']) },
        unit: 'short',
        limit: 2,
      }),
    )
    .withPanel(
      lines({
        title: 'Alarms raised',
        metric: 'agent_alarms_total',
        queries: { '{{kind}}': increase('agent_alarms_total', ['kind'], AT) },
        unit: 'short',
        events: true,
      }),
    )
    .withPanel(
      events(
        'Over their objective',
        'agent_slo_breaches_total',
        increase('agent_slo_breaches_total', ['agent_type'], AT),
        '{{agent_type}}',
      ),
    )
    .withPanel(
      events(
        'Not watched for drift',
        'agent_drift_unwatched_decisions_total',
        increase('agent_drift_unwatched_decisions_total', [], AT),
        'decisions',
      ),
    )
    .build() as unknown as Document
}

/** How the runtime is: what an autoscaler looks at, failures, the grid, and what telemetry itself loses. */
export function fleetDashboard({ mailboxSeconds, decisionSeconds }: ResolvedOperatorOptions): Document {
  const byType = ['agent_type']
  return dashboard('stigmergy-fleet', 'Stigmergy: fleet')
    .withRow(new RowBuilder('What the fleet is scaled by'))
    .withPanel(
      lines({
        title: 'Wait in mailboxes, 95th percentile',
        metric: 'agent_mailbox_wait_seconds',
        queries: { 'fleet {{namespace}}': percentile(0.95, 'agent_mailbox_wait_seconds', ['namespace'], '1m') },
        unit: 's',
        limit: mailboxSeconds,
      }),
    )
    .withPanel(
      lines({
        title: 'Decision, 99th percentile',
        metric: 'agent_decision_latency_seconds',
        queries: { 'fleet {{namespace}}': percentile(0.99, 'agent_decision_latency_seconds', ['namespace'], '1m') },
        unit: 's',
        limit: decisionSeconds,
      }),
    )
    .withPanel(series('Agents running', 'agents_running', total('agents_running', byType), '{{agent_type}}'))
    .withPanel(series('Events waiting', 'agent_mailbox_depth', total('agent_mailbox_depth', byType), '{{agent_type}}'))
    .withRow(new RowBuilder('Failures'))
    .withPanel(events('Restarts', 'agent_restarts_total', increase('agent_restarts_total', byType, AT), '{{agent_type}}'))
    .withPanel(
      events(
        'Supervisors that gave up',
        'agent_escalations_total',
        increase('agent_escalations_total', ['supervisor'], AT),
        '{{supervisor}}',
      ),
    )
    .withPanel(events('Dead letters', 'dead_letters_total', increase('dead_letters_total', ['reason'], AT), '{{reason}}'))
    .withPanel(
      series('Breakers: 0 closed, 1 half open, 2 open', 'agent_breaker_state', largest('agent_breaker_state', ['breaker']), '{{breaker}}'),
    )
    .withPanel(series('Needs not met', 'agent_needs_unmet', total('agent_needs_unmet', ['need', 'state']), '{{need}}: {{state}}'))
    .withPanel(
      events('Inference errors', 'policy_inference_errors_total', increase('policy_inference_errors_total', ['policy'], AT), '{{policy}}'),
    )
    .withPanel(
      events(
        'Errors in the log',
        'log_records_total',
        increase('log_records_total', byType, AT, '{level=~"error|fatal"}'),
        '{{agent_type}}',
      ),
    )
    .withRow(new RowBuilder('Grid'))
    .withPanel(series('Changes per second', 'grid_changes_total', rate('grid_changes_total', ['map'], AT), '{{map}}'))
    .withPanel(
      series('Near-cache reads per second', 'grid_near_cache_reads_total', rate('grid_near_cache_reads_total', ['map'], AT), '{{map}}'),
    )
    .withPanel(series('Near-cache entries', 'grid_near_cache_entries', total('grid_near_cache_entries', ['map']), '{{map}}'))
    .withPanel(
      events(
        'Near-cache entries let go',
        'grid_near_cache_evictions_total',
        increase('grid_near_cache_evictions_total', ['map'], AT),
        '{{map}}',
      ),
    )
    .withPanel(
      series('Journal lag', 'journal_lag_records', largest('journal_lag_records', ['journal', 'consumer']), '{{journal}} {{consumer}}'),
    )
    .withRow(new RowBuilder('Telemetry itself'))
    .withPanel(events('Lost', 'telemetry_dropped_total', increase('telemetry_dropped_total', ['what'], AT), '{{what}}'))
    .withPanel(
      series('Whole traces among those kept', 'telemetry_coherent_trace_ratio', 'min(telemetry_coherent_trace_ratio)', 'lowest process'),
    )
    .withPanel(events('Traces kept', 'telemetry_traces_kept_total', increase('telemetry_traces_kept_total', ['reason'], AT), '{{reason}}'))
    .withPanel(
      lines({
        title: 'Parts of traces that never came, and records overwritten early',
        metric: 'telemetry_records_overwritten_early_total',
        queries: {
          'parts that never came': increase('telemetry_slices_lost_total', [], AT),
          'overwritten early': increase('telemetry_records_overwritten_early_total', [], AT),
        },
        unit: 'short',
        events: true,
      }),
    )
    .withPanel(series('Records per second', 'telemetry_records_total', rate('telemetry_records_total', [], AT), 'records'))
    .build() as unknown as Document
}

function dashboard(uid: string, title: string): DashboardBuilder {
  return new DashboardBuilder(title)
    .uid(uid)
    .tags(TAGS)
    .refresh('10s')
    .time({ from: 'now-30m', to: 'now' })
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'))
}

type Metric = Parameters<typeof lines>[0]['metric']

function series(title: string, metric: Metric, expr: string, legend: string): ReturnType<typeof lines> {
  return lines({ title, metric, queries: { [legend]: expr }, unit: 'short' })
}

function events(title: string, metric: Metric, expr: string, legend: string): ReturnType<typeof lines> {
  return lines({ title, metric, queries: { [legend]: expr }, unit: 'short', events: true })
}
