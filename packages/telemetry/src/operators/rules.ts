import type { MetricName } from '../metrics/table.ts'
import { counted, increase, largest, percentile, rate, selector, total } from './queries.ts'
import type { ResolvedOperatorOptions } from './options.ts'

/** A rule file of Prometheus. https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/ */
export interface RuleFile {
  readonly groups: readonly { readonly name: string; readonly interval: string; readonly rules: readonly (AlertRule | RecordingRule)[] }[]
}

export interface AlertRule {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: { readonly severity: 'page' | 'ticket'; readonly team: string }
  readonly annotations: { readonly summary: string; readonly description: string }
}

export interface RecordingRule {
  readonly record: string
  readonly expr: string
}

/**
 * How often rules are evaluated. As seldom as their ranges are long, which is what Prometheus does unless it is told, an increase between
 * the last sample of one range and the first one of the next would be in neither.
 */
const EVERY = '15s'

const STAGES = ['perception', 'planning', 'actuation'] as const

/**
 * Alerts and recorded series.
 * How old a world model was is judged in the process, when it decides: `time() - agent_worldmodel_timestamp_seconds` would be the time
 * since the last scrape, and is above 200 ms whatever the truth.
 */
export function ruleFile(options: ResolvedOperatorOptions): RuleFile {
  const ask = asked(options.own)
  return {
    groups: [
      { name: 'stigmergy-recorded', interval: EVERY, rules: recorded(ask) },
      { name: 'stigmergy-decisions', interval: EVERY, rules: decisions(ask, options) },
      { name: 'stigmergy-runtime', interval: EVERY, rules: runtime(ask) },
      { name: 'stigmergy-telemetry', interval: EVERY, rules: telemetry(ask) },
    ],
  }
}

/** The questions as rules ask them: of their own series, and of each fleet, which is a namespace, by itself. */
function asked(own: string | undefined) {
  const of = (...by: readonly string[]): readonly string[] => ['namespace', ...by]
  const all = selector(own)
  return {
    all,
    percentile: (share: number, metric: MetricName, by: readonly string[], over?: string) =>
      percentile(share, metric, of(...by), over, all),
    rate: (metric: MetricName, by: readonly string[], over?: string) => rate(metric, of(...by), over, all),
    increase: (metric: MetricName, by: readonly string[], over: string) => increase(metric, of(...by), over, all),
    counted: (metric: MetricName, by: readonly string[], over: `${number}m`) => `${counted(metric, of(...by), over, all)} > 0`,
    largest: (metric: MetricName, by: readonly string[], matcher?: string) => largest(metric, of(...by), selector(own, matcher)),
    total: (metric: MetricName, by: readonly string[], matcher?: string) => total(metric, of(...by), selector(own, matcher)),
    matching: (metric: MetricName, matcher: string) => `${metric}${selector(own, matcher)}`,
  }
}

type Asked = ReturnType<typeof asked>

function recorded(ask: Asked): readonly RecordingRule[] {
  return [
    {
      record: 'agent_type:agent_decision_latency_seconds:p99',
      expr: ask.percentile(0.99, 'agent_decision_latency_seconds', ['agent_type']),
    },
    ...STAGES.map((stage) => ({
      record: `region:${stage}_latency_seconds:p99`,
      expr: ask.percentile(0.99, `${stage}_latency_seconds`, ['region']),
    })),
    { record: 'agent_type:agent_mailbox_wait_seconds:p95', expr: ask.percentile(0.95, 'agent_mailbox_wait_seconds', ['agent_type'], '1m') },
    {
      record: 'agent_type:agent_decisions:rate',
      expr: `sum by (namespace, agent_type) (rate(agent_decision_latency_seconds_count${ask.all}[1m]))`,
    },
    { record: SEEN, expr: `count by (namespace, region) (telemetry_ending${ask.all})` },
    { record: LAST_WORD, expr: lastWord(ask) },
  ]
}

/** By fleet and region: how many series tell of a process. Not kept where there is none. */
const SEEN = 'region:telemetry_ending:count'
/** By fleet and region: 1 where the processes that were seen last were ending on purpose, 0 where they were not. */
const LAST_WORD = 'region:telemetry_ending:last'

/**
 * Kept while nobody is seen: from evaluation to evaluation, and over a day without Prometheus. That the end was not meant, for a day.
 */
function lastWord({ all }: Asked): string {
  const kept = `last_over_time(${LAST_WORD}${all}[1d])`
  const told = `min by (namespace, region) (last_over_time(telemetry_ending${all}[1m]))`
  return `${told} or ${kept} == 1 or ${kept} and on (namespace, region) last_over_time(${SEEN}${all}[1d])`
}

function decisions(ask: Asked, { mapAgeSeconds, sourceAgeSeconds, decisionSeconds }: ResolvedOperatorOptions): readonly AlertRule[] {
  return [
    page('StaleWorldModel', ask.counted('agent_stale_decisions_total', ['region', 'agent_type'], '1m'), undefined, {
      summary: '{{ $labels.agent_type }} decided on a stale world',
      description: '{{ $value | humanize }} decisions in a minute were made on a world older than the limit of the process that made them.',
    }),
    page('MapStale', `${ask.largest('map_stale_age_seconds', ['region', 'map'], 'source=""')} > ${mapAgeSeconds}`, '15s', {
      summary: 'The copy of map {{ $labels.map }} is old',
      description: `Its age is {{ $value | humanizeDuration }}; the limit is ${mapAgeSeconds} s.`,
    }),
    // A source is as old as its last word, and speaks when it has something to say: not as often as copies are kept.
    page('SourceStale', `${ask.largest('map_stale_age_seconds', ['region', 'map', 'source'], 'source!=""')} > ${sourceAgeSeconds}`, '15s', {
      summary: 'Source {{ $labels.source }} is silent',
      description: `It was last heard {{ $value | humanizeDuration }} ago; the limit is ${sourceAgeSeconds} s. One that was never heard has the age +Inf.`,
    }),
    page('SafetyViolation', ask.counted('agent_violations_total', ['region', 'agent_type'], '5m'), undefined, {
      summary: 'A safety violation of {{ $labels.agent_type }}',
      description: 'A state tagged `violation` was entered {{ $value | humanize }} times in 5 minutes.',
    }),
    page('DecisionDrift', `${ask.total('agent_alarms_active', ['region'], 'kind="drift"')} > 0`, undefined, {
      summary: 'Agents decide otherwise than their baseline',
      description:
        'Drifting agents: {{ $value }}. The alarm keeps the budget of false alarms it was given; see agent_decision_drift_sigma.',
    }),
    page('ErrorsSpread', `${ask.largest('agent_alarms_active', ['region'], 'kind="spread"')} > 0`, undefined, {
      summary: 'Failures spread from agent to agent',
      description: 'Processes in which each failure makes more than one other; see agent_error_reproduction_number.',
    }),
    // Process by process. Not what the page above is about, nor the end of it: a spread leaves the gauge before its alarm is over.
    ticket('TooManyFailures', tooManyFailures(ask), '1m', {
      summary: 'More failures than expected',
      description: 'Agents fail more often than the alarm was told to expect.',
    }),
    page('DecisionObjectiveMissed', `${ask.total('agent_alarms_active', ['region'], 'kind="slo"')} > 0`, '1m', {
      summary: 'Decisions miss their service level objective',
      description: 'Agent types with more slow decisions than their objective allows, counted in each process: {{ $value }}.',
    }),
    ticket(
      'DecisionsSlow',
      `${ask.percentile(0.99, 'agent_decision_latency_seconds', ['region', 'agent_type'])} > ${decisionSeconds}`,
      '2m',
      {
        summary: 'Decisions of {{ $labels.agent_type }} are slow',
        description: `The 99th percentile is {{ $value | humanizeDuration }}; the limit is ${decisionSeconds} s.`,
      },
    ),
  ]
}

function tooManyFailures({ matching }: Asked): string {
  const spread = `max_over_time(${matching('agent_alarms_active', 'kind="spread"')}[1m])`
  return `max by (namespace, region) (${matching('agent_alarms_active', 'kind="errors"')} > 0 unless ignoring (kind) ${spread} > 0)`
}

function runtime(ask: Asked): readonly AlertRule[] {
  return [
    ticket('AgentRestarting', `${ask.increase('agent_restarts_total', ['region', 'agent_type'], '5m')} > 3`, undefined, {
      summary: '{{ $labels.agent_type }} restarts again and again',
      description: '{{ $value | humanize }} restarts in 5 minutes.',
    }),
    ticket('SupervisorGaveUp', ask.counted('agent_escalations_total', ['region', 'supervisor'], '5m'), undefined, {
      summary: 'Supervisor {{ $labels.supervisor }} gave up on a child',
      description: 'It has restarted it as often as it may. Where no supervisor is above, all of its children are stopped.',
    }),
    ticket('DeadLetters', `${ask.rate('dead_letters_total', ['region', 'reason'])} > 0.1`, '5m', {
      summary: 'Events reach no agent: {{ $labels.reason }}',
      description: '{{ $value | humanize }} events a second become dead letters.',
    }),
    // Half open is no recovery: one call is let through, when there is one.
    page('BreakerOpen', `${ask.largest('agent_breaker_state', ['region', 'breaker'])} >= 1`, '1m', {
      summary: 'The breaker of {{ $labels.breaker }} is open',
      description: 'What depends on it fails at once, or goes on without it: it has not been closed for a minute.',
    }),
    ticket('PolicyInferenceErrors', `${ask.rate('policy_inference_errors_total', ['region', 'policy'])} > 0.01`, '5m', {
      summary: 'Policy {{ $labels.policy }} fails to infer',
      description: '{{ $value | humanize }} errors a second.',
    }),
    ticket('JournalLag', `${ask.largest('journal_lag_records', ['region', 'journal', 'consumer'])} > 10000`, '5m', {
      summary: '{{ $labels.consumer }} is behind in journal {{ $labels.journal }}',
      description: '{{ $value | humanize }} records are not read yet.',
    }),
  ]
}

function telemetry(ask: Asked): readonly AlertRule[] {
  return [
    ticket('TelemetryDrops', `${ask.increase('telemetry_dropped_total', ['region', 'what'], '5m')} > 0`, undefined, {
      summary: 'Telemetry loses {{ $labels.what }}s',
      description: '{{ $value | humanize }} in 5 minutes. What the dashboards show is not all there is.',
    }),
    ticket('TelemetryExportFails', `${ask.increase('telemetry_export_failures_total', ['region', 'signal'], '5m')} > 0`, '5m', {
      summary: 'Export of {{ $labels.signal }} fails',
      description: '{{ $value | humanize }} exports failed in 5 minutes.',
    }),
    ticket(
      'TracesIncoherent',
      `${ask.increase('telemetry_traces_incomplete_total', ['region'], '5m')} / ${ask.increase('telemetry_traces_told_total', ['region'], '5m')} > 0.001`,
      '5m',
      {
        summary: 'Kept traces have holes',
        description: '{{ $value | humanizePercentage }} of those of the last 5 minutes are not whole: see telemetry_dropped_total.',
      },
    ),
    // A metric that every process has, whatever its options.
    page('AgentsSilent', silent(ask), '2m', {
      summary: 'No process {{ with $labels.region }}of region {{ . }} {{ end }}is seen',
      description: 'Prometheus reaches no metrics endpoint of the fleet there, and its end was not meant: the alerts above cannot fire.',
    }),
  ]
}

/**
 * None where the last word was no farewell, or where some that tell none, being of an older version, were seen within the hour. And none at
 * all, where nothing is known of any.
 */
function silent({ all }: Asked): string {
  const where = 'count by (namespace, region)'
  const series = `telemetry_dropped_total${all}`
  const gone = `(${LAST_WORD}${all} == 0 or ${where} (present_over_time(${series}[1h])) unless ${LAST_WORD}${all})`
  return `${gone} unless ${where} (${series}) or absent(${series}) unless on () count(${LAST_WORD}${all} or present_over_time(${series}[1h]))`
}

function page(alert: string, expr: string, wait: string | undefined, annotations: AlertRule['annotations']): AlertRule {
  return rule('page', alert, expr, wait, annotations)
}

function ticket(alert: string, expr: string, wait: string | undefined, annotations: AlertRule['annotations']): AlertRule {
  return rule('ticket', alert, expr, wait, annotations)
}

function rule(
  severity: 'page' | 'ticket',
  alert: string,
  expr: string,
  wait: string | undefined,
  annotations: AlertRule['annotations'],
): AlertRule {
  return { alert, expr, ...(wait === undefined ? {} : { for: wait }), labels: { severity, team: 'agents' }, annotations }
}
