import { createHash } from 'node:crypto'
import { DatasourceVariableBuilder, QueryVariableBuilder, VariableRefresh, VariableSort } from '@grafana/grafana-foundation-sdk/dashboard'
import type { MetricName } from '../metrics/table.ts'
import type { ResolvedOperatorOptions } from './options.ts'
import { DATASOURCE } from './panels.ts'
import { buckets, counted, increase, largest, percentile, rate, selector, total } from './queries.ts'

/** Which series a dashboard looks at: those of one fleet, which is a namespace, so that two are never added up. */
export interface LookedAt {
  /** Matchers of the fleet, whatever its regions. */
  readonly fleet: string
  /** Matchers of the fleet in the regions chosen, and of `matcher`. */
  of(matcher?: string): string
  /** What is chosen on the dashboard. */
  readonly variables: readonly (DatasourceVariableBuilder | QueryVariableBuilder)[]
  /** Identity of the dashboard: importing that of one fleet leaves those of others. */
  uid(name: string): string
  title(name: string): string
}

/** Every process has it, whatever its options. */
const EVERYWHERE = 'telemetry_dropped_total'
/** Grafana takes 40 characters. */
const MAX_UID = 40

/**
 * Of the namespace that the files are for, else of the one chosen on the dashboard. Where series have no namespace none can be chosen,
 * and Grafana puts in nothing: which is what they have.
 */
export function lookedAt({ own, namespace }: ResolvedOperatorOptions): LookedAt {
  const ofFleet = own ?? 'namespace=~"$namespace"'
  const fleet = own === undefined ? [choice('namespace', 'Namespace', EVERYWHERE)] : []
  const region = choice('region', 'Region', `${EVERYWHERE}${selector(ofFleet)}`)
    .multi(true)
    .includeAll(true)
    .allValue('.*')
  const source = new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus')
  return {
    fleet: selector(ofFleet),
    of: (matcher) => selector(ofFleet, 'region=~"$region"', matcher),
    variables: [source, ...fleet, region.current({ text: ['All'], value: ['$__all'] })],
    uid: (name) => (own === undefined ? name : ofNamespace(name, namespace)),
    title: (name) => (own === undefined ? name : `${name} of ${namespace}`),
  }
}

function choice(name: 'namespace' | 'region', label: string, series: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(DATASOURCE)
    .query(`label_values(${series}, ${name})`)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
}

function ofNamespace(name: string, namespace: string): string {
  const uid = `${name}-${namespace}`
  if (uid.length <= MAX_UID) return uid
  return `${name}-${createHash('sha256').update(namespace).digest('hex')}`.slice(0, MAX_UID)
}

const AT = '$__rate_interval'

/** The questions as panels ask them: of the fleet in the regions chosen, over the time that a point of the panel stands for. */
export interface Asked {
  percentile(share: number, metric: MetricName, by: readonly string[]): string
  buckets(metric: MetricName): string
  rate(metric: MetricName, by: readonly string[]): string
  increase(metric: MetricName, by: readonly string[], matcher?: string): string
  largest(metric: MetricName, by: readonly string[]): string
  smallest(metric: MetricName): string
  total(metric: MetricName, by: readonly string[], matcher?: string): string
  /** What was counted in five minutes, as alerts count it: also before the first scrape. */
  counted(metric: MetricName): string
  /** The same for points that stand for more or less than that. */
  countedAt(metric: MetricName, by: readonly string[]): string
}

export function askedBy({ of }: LookedAt): Asked {
  const all = of()
  return {
    percentile: (share, metric, by) => percentile(share, metric, by, AT, all),
    buckets: (metric) => buckets(metric, AT, all),
    rate: (metric, by) => rate(metric, by, AT, all),
    increase: (metric, by, matcher) => increase(metric, by, AT, of(matcher)),
    largest: (metric, by) => largest(metric, by, all),
    smallest: (metric) => `min(${metric}${all})`,
    total: (metric, by, matcher) => total(metric, by, of(matcher)),
    counted: (metric) => counted(metric, [], '5m', all),
    countedAt: (metric, by) => `${counted(metric, by, '5m', all)} > 0 or ${increase(metric, by, AT, all)}`,
  }
}
