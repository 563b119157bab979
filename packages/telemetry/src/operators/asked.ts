import type { MetricName } from '../metrics/table.ts'
import { counted, increase, largest, percentile, rate, selector, total } from './queries.ts'

type By = readonly string[]

/** The questions as rules ask them: of their own series, and of each fleet, which is a namespace, by itself. `matcher`: of these series alone. */
export interface Asked {
  /** The selector of their own series, to be put behind a name. */
  readonly all: string
  percentile(share: number, metric: MetricName, by: By, over?: string): string
  rate(metric: MetricName, by: By, over?: string, matcher?: string): string
  increase(metric: MetricName, by: By, over: string): string
  /** Where any were counted. */
  counted(metric: MetricName, by: By, over: `${number}m`): string
  largest(metric: MetricName, by: By, matcher?: string): string
  total(metric: MetricName, by: By, matcher?: string): string
  matching(metric: MetricName, matcher: string): string
}

/** `own`: matcher of the series that rules look at. Undefined: all of them. */
export function asked(own: string | undefined): Asked {
  const of = (by: By): By => ['namespace', ...by]
  const all = selector(own)
  return {
    all,
    percentile: (share, metric, by, over) => percentile(share, metric, of(by), over, all),
    rate: (metric, by, over, matcher) => rate(metric, of(by), over, selector(own, matcher)),
    increase: (metric, by, over) => increase(metric, of(by), over, all),
    counted: (metric, by, over) => `${counted(metric, of(by), over, all)} > 0`,
    largest: (metric, by, matcher) => largest(metric, of(by), selector(own, matcher)),
    total: (metric, by, matcher) => total(metric, of(by), selector(own, matcher)),
    matching: (metric, matcher) => `${metric}${selector(own, matcher)}`,
  }
}
