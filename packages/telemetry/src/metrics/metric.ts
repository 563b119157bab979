/** A row of the table of metrics. */
export interface Metric {
  readonly kind: 'histogram' | 'counter' | 'gauge'
  readonly unit: string
  /** Labels beside `region` and `policy_version`, which every metric has where they are set. */
  readonly labels: readonly string[]
  readonly description: string
}
