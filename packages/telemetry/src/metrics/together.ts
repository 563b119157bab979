import type { Attributes } from '@opentelemetry/api'
import type { Tell } from './instruments.ts'
import { labelKey, overflowOf } from './series.ts'
import { METRICS, type MetricName } from './table.ts'

/** A value of a gauge or a counter. */
export interface NumberPoint {
  readonly labels: Attributes
  readonly value: number
}

type Together = 'sum' | 'max' | 'min'

/**
 * What several readers that tell the same labels say together, such as two alarms or two systems of one process; of all others the last
 * one counts.
 */
const TOGETHER: Partial<Record<MetricName, Together>> = {
  agent_worldmodel_timestamp_seconds: 'min',
  agent_mailbox_depth: 'sum',
  agents_running: 'sum',
  agent_needs_unmet: 'sum',
  agent_breaker_state: 'max',
  journal_lag_records: 'max',
  agent_alarms_active: 'sum',
  agent_drift_unwatched_decisions_total: 'sum',
  agent_decision_drift_sigma: 'max',
  agent_error_reproduction_number: 'max',
  telemetry_uptime_seconds: 'max',
}

/**
 * Adds what readers of a metric tell to `points`, by their labels: at most `maxSeries` of them (I6). Later ones meet in one for each type of
 * agent: the worst of them is told, where they are not added up. `failed`: a reader threw, and the others are told.
 */
export function readTogether(
  name: MetricName,
  points: Map<string, NumberPoint>,
  readers: Iterable<(tell: Tell) => void>,
  maxSeries: number,
  failed: (error: unknown) => void,
): void {
  const together = TOGETHER[name]
  const worst = together ?? (METRICS[name].kind === 'counter' ? 'sum' : 'max')
  let over = 0
  const add = (key: string, labels: Attributes, value: number, how: Together | undefined): void => {
    const known = points.get(key)
    points.set(key, { labels, value: known === undefined ? value : both(known.value, value, how) })
  }
  const tell: Tell = (value, labels) => {
    const key = labelKey(labels)
    if (points.has(key) || points.size < maxSeries) return add(key, labels, value, together)
    const meeting = overflowOf(labels, over >= maxSeries)
    const meetingKey = labelKey(meeting)
    if (!points.has(meetingKey)) over += 1
    add(meetingKey, meeting, value, worst)
  }
  for (const read of readers) {
    try {
      read(tell)
    } catch (error) {
      failed(error)
    }
  }
}

function both(a: number, b: number, together: Together | undefined): number {
  if (together === 'sum') return a + b
  if (together === 'max') return Math.max(a, b)
  return together === 'min' ? Math.min(a, b) : b
}
