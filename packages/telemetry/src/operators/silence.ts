import type { Asked } from './asked.ts'
import { page, type AlertRule, type RecordingRule } from './rule.ts'

/** By fleet and region: how many series tell of a process. Not kept where there is none. */
const SEEN = 'region:telemetry_ending:count'
/** By fleet and region: 1 where the processes that were seen last were ending on purpose, 0 where they were not. */
const LAST_WORD = 'region:telemetry_ending:last'

/** What is recorded to tell it. */
export function lastWords(ask: Asked): readonly RecordingRule[] {
  return [
    { record: SEEN, expr: `count by (namespace, region) (telemetry_ending${ask.all})` },
    { record: LAST_WORD, expr: lastWord(ask) },
  ]
}

/** A page where no process is seen any more, and none is meant to be gone. By a metric that every process has, whatever its options. */
export function agentsSilent(ask: Asked): AlertRule {
  return page('AgentsSilent', silent(ask), '2m', {
    summary: 'No process {{ with $labels.region }}of region {{ . }} {{ end }}is seen',
    description: 'Prometheus reaches no metrics endpoint of the fleet there, and its end was not meant: the alerts above cannot fire.',
  })
}

/**
 * Kept while nobody is seen: from evaluation to evaluation, and over a day without Prometheus. That the end was not meant, for a day.
 */
function lastWord({ all }: Asked): string {
  const kept = `last_over_time(${LAST_WORD}${all}[1d])`
  const told = `min by (namespace, region) (last_over_time(telemetry_ending${all}[1m]))`
  return `${told} or ${kept} == 1 or ${kept} and on (namespace, region) last_over_time(${SEEN}${all}[1d])`
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
