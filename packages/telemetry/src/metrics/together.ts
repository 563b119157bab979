import type { Attributes } from '@opentelemetry/api'
import type { Tell } from './instruments.ts'
import { labelKey } from './series.ts'
import type { MetricName } from './table.ts'

/** A value of a gauge or a counter. */
export interface NumberPoint {
  readonly labels: Attributes
  readonly value: number
}

/**
 * What several readers that tell the same labels say together, such as two alarms or two systems of one process; of all others the last
 * one counts.
 */
const TOGETHER: Partial<Record<MetricName, 'sum' | 'max'>> = {
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
 * Adds what readers of a metric tell to `points`, by their labels: at most `maxSeries` of them (I6). `failed`: a reader threw, and
 * the others are told.
 */
export function readTogether(
  name: MetricName,
  points: Map<string, NumberPoint>,
  readers: Iterable<(tell: Tell) => void>,
  maxSeries: number,
  failed: (error: unknown) => void,
): void {
  const tell: Tell = (value, labels) => {
    const key = labelKey(labels)
    const known = points.get(key)
    if (known === undefined && points.size >= maxSeries) return
    points.set(key, { labels, value: known === undefined ? value : both(known.value, value, TOGETHER[name]) })
  }
  for (const read of readers) {
    try {
      read(tell)
    } catch (error) {
      failed(error)
    }
  }
}

function both(a: number, b: number, together: 'sum' | 'max' | undefined): number {
  if (together === 'sum') return a + b
  return together === 'max' ? Math.max(a, b) : b
}
