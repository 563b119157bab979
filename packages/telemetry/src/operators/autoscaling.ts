import { percentile } from './queries.ts'
import type { Document } from './document.ts'
import type { ResolvedOperatorOptions } from './options.ts'

/**
 * Autoscaling on what agents feel, not on CPU: how long events wait, and how long decisions take. Agents are stateful, so a fleet
 * grows at once and shrinks slowly.
 */

const SHRINK_AFTER_SECONDS = 300

/** Grow fast: half as many again, or two, each 15 s. Shrink by one a minute, when five minutes have asked for it. */
const BEHAVIOR = {
  scaleUp: {
    stabilizationWindowSeconds: 0,
    selectPolicy: 'Max',
    policies: [
      { type: 'Percent', value: 50, periodSeconds: 15 },
      { type: 'Pods', value: 2, periodSeconds: 15 },
    ],
  },
  scaleDown: { stabilizationWindowSeconds: SHRINK_AFTER_SECONDS, policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] },
}

/** A HorizontalPodAutoscaler on two external metrics, which {@link adapterConfig} makes. */
export function horizontalPodAutoscaler(options: ResolvedOperatorOptions): Document {
  const { namespace, workload, workloadKind, minReplicas, maxReplicas, decisionSeconds, mailboxSeconds } = options
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: workload, namespace },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: workloadKind, name: workload },
      minReplicas,
      maxReplicas,
      metrics: [
        external('agent_mailbox_wait_p95_seconds', mailboxSeconds),
        external('agent_decision_latency_p99_seconds', decisionSeconds),
      ],
      behavior: BEHAVIOR,
    },
  }
}

function external(name: string, seconds: number) {
  return { type: 'External', external: { metric: { name }, target: { type: 'Value', value: `${Math.round(seconds * 1000)}m` } } }
}

/** Rules of prometheus-adapter that serve those two metrics. They go under `rules.external` of its Helm values. */
export function adapterConfig(): Document {
  const rule = (series: string, name: string, metricsQuery: string) => ({
    seriesQuery: `${series}{namespace!=""}`,
    resources: { overrides: { namespace: { resource: 'namespace' } } },
    name: { as: name },
    metricsQuery,
  })
  return {
    externalRules: [
      rule('agent_mailbox_wait_seconds_bucket', 'agent_mailbox_wait_p95_seconds', mailboxQuery()),
      rule('agent_decision_latency_seconds_bucket', 'agent_decision_latency_p99_seconds', decisionQuery()),
    ],
  }
}

/** The same by KEDA. A lost Prometheus is an error, not a zero: then the fallback counts. */
export function scaledObject(options: ResolvedOperatorOptions): Document {
  const { namespace, workload, workloadKind, minReplicas, maxReplicas, prometheusUrl, decisionSeconds, mailboxSeconds } = options
  const trigger = (metricName: string, query: string, threshold: number) => ({
    type: 'prometheus',
    metricType: 'Value',
    name: metricName,
    metadata: { serverAddress: prometheusUrl, query, threshold: String(threshold), ignoreNullValues: 'false' },
  })
  return {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledObject',
    metadata: { name: workload, namespace },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: workloadKind, name: workload },
      minReplicaCount: minReplicas,
      maxReplicaCount: maxReplicas,
      pollingInterval: 15,
      cooldownPeriod: SHRINK_AFTER_SECONDS,
      fallback: { failureThreshold: 3, replicas: Math.min(maxReplicas, minReplicas * 2) },
      advanced: { horizontalPodAutoscalerConfig: { behavior: BEHAVIOR } },
      triggers: [trigger('mailbox-wait', mailboxQuery(), mailboxSeconds), trigger('decision-latency', decisionQuery(), decisionSeconds)],
    },
  }
}

function mailboxQuery(): string {
  return orZero(percentile(0.95, 'agent_mailbox_wait_seconds', [], '1m'))
}

function decisionQuery(): string {
  return orZero(percentile(0.99, 'agent_decision_latency_seconds', [], '1m'))
}

/** One value, also where nothing was measured in the last minute: then nobody waits. */
function orZero(query: string): string {
  return `(${query}) >= 0 or vector(0)`
}
