import type { Document } from './document.ts'
import type { ResolvedOperatorOptions } from './options.ts'

/**
 * An example of how Prometheus finds the agents: containers that name their port `metrics`. The label `namespace` is what autoscalers tell
 * fleets apart by. https://prometheus.io/docs/prometheus/latest/configuration/configuration/#kubernetes_sd_config
 */
export function scrapeConfig({ namespace, workload }: ResolvedOperatorOptions): Document {
  const label = (from: string, to: string) => ({ source_labels: [`__meta_kubernetes_${from}`], target_label: to })
  return {
    rule_files: ['stigmergy.rules.yml'],
    scrape_configs: [
      {
        job_name: workload,
        // Rules look back for a minute at least: two samples must lie in it.
        scrape_interval: '15s',
        kubernetes_sd_configs: [{ role: 'pod', namespaces: { names: [namespace] } }],
        relabel_configs: [
          { source_labels: ['__meta_kubernetes_pod_container_port_name'], regex: 'metrics', action: 'keep' },
          label('namespace', 'namespace'),
          label('pod_name', 'pod'),
        ],
      },
    ],
  }
}
