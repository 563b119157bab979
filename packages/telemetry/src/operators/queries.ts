import { METRICS, type MetricName } from '../metrics/table.ts'

/**
 * The questions asked of Prometheus, in one place: rules, dashboards and autoscalers ask the same ones.
 * `by`: labels to keep, beside what the question itself needs.
 */

/** The longest between two looks of Prometheus that is allowed for. */
const SCRAPE_SECONDS = 30

/** A percentile of a histogram over a time. NaN where nothing was measured. */
export function percentile(share: number, metric: MetricName, by: readonly string[], over = '5m', filter = ''): string {
  return `histogram_quantile(${share}, sum by (${['le', ...by].join(', ')}) (rate(${metric}_bucket${filter}[${over}])))`
}

/** How often per second. */
export function rate(metric: MetricName, by: readonly string[], over = '5m', filter = ''): string {
  return `${sumBy(by)} (rate(${metric}${filter}[${over}]))`
}

/**
 * How many in a time. Counters that are asked for so in rules begin at 0 before anything is counted, so that the first one is seen: what
 * appears with a value of 1 has never increased.
 */
export function increase(metric: MetricName, by: readonly string[], over: string, filter = ''): string {
  return `${sumBy(by)} (increase(${metric}${filter}[${over}]))`
}

/** The largest. */
export function largest(metric: MetricName, by: readonly string[], filter = ''): string {
  return by.length === 0 ? `max(${metric}${filter})` : `max by (${by.join(', ')}) (${metric}${filter})`
}

/**
 * How many were counted in a time, in whole numbers, also before the first scrape and while there was none. In this order:
 * - A process that began within that time, or a scrape before, has counted all of it since.
 * - Else what it was before is taken off. Where there was a gap that is the last value of the hour before.
 * - A series that was not there while its process was seen began at 0.
 * - What is not seen any more is what was seen of it.
 *
 * What a series of a process had when Prometheus first saw both, an hour or a label later, is none: it was counted long ago.
 */
export function counted(metric: MetricName, by: readonly string[], over: `${number}m`, filter = ''): string {
  const series = `${metric}${filter}`
  const uptime = `telemetry_uptime_seconds${filter}`
  const before = (what: string): string => `last_over_time(${what}[1h] offset ${over})`
  // Labels of a process are those of both.
  const ofProcess = `ignoring (${[...METRICS[metric].labels, 'system', 'otel_metric_overflow'].join(', ')})`
  const parts = [
    `${series} and ${ofProcess} ${uptime} < ${Number.parseInt(over, 10) * 60 + SCRAPE_SECONDS}`,
    `${series} - ${before(series)} >= 0`,
    `${series} unless ${before(series)} and ${ofProcess} ${before(uptime)}`,
    `increase(${series}[${over}])`,
  ]
  return `${sumBy(by)} (${parts.join(' or ')})`
}

/** All together: of a gauge, over the processes that tell it. */
export function total(metric: MetricName, by: readonly string[], filter = ''): string {
  return `${sumBy(by)} (${metric}${filter})`
}

/** How many series there are: nothing, not 0, where there are none. */
export function count(metric: MetricName, filter = ''): string {
  return `count(${metric}${filter})`
}

/** Counts of the buckets of a histogram, for a heat map. */
export function buckets(metric: MetricName, over: string, filter = ''): string {
  return `sum by (le) (increase(${metric}_bucket${filter}[${over}]))`
}

/** `{a="b",c="d"}` of those matchers that there are. */
export function selector(...matchers: readonly (string | undefined)[]): string {
  const given = matchers.filter((matcher) => matcher !== undefined)
  return given.length === 0 ? '' : `{${given.join(',')}}`
}

function sumBy(by: readonly string[]): string {
  return by.length === 0 ? 'sum' : `sum by (${by.join(', ')})`
}
