import type { MetricName } from '../metrics/table.ts'

/**
 * The questions asked of Prometheus, in one place: rules, dashboards and autoscalers ask the same ones.
 * `by`: labels to keep, beside what the question itself needs.
 */

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
 * The series of a counter that have appeared only now, added up: what began within `over` with more than 0 was counted before anybody
 * looked, and has never increased. A series that was seen in the hour before is not one of them.
 */
export function appeared(metric: MetricName, by: readonly string[], over: string, filter = ''): string {
  return `${sumBy(by)} (${metric}${filter} unless last_over_time(${metric}${filter}[1h] offset ${over}))`
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
export function buckets(metric: MetricName, over = '$__rate_interval'): string {
  return `sum by (le) (increase(${metric}_bucket[${over}]))`
}

/** `{a="b",c="d"}` of those matchers that there are. */
export function selector(...matchers: readonly (string | undefined)[]): string {
  const given = matchers.filter((matcher) => matcher !== undefined)
  return given.length === 0 ? '' : `{${given.join(',')}}`
}

function sumBy(by: readonly string[]): string {
  return by.length === 0 ? 'sum' : `sum by (${by.join(', ')})`
}
