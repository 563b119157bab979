import { count, percentile } from './queries.ts'
import type { Document } from './document.ts'
import type { ResolvedOperatorOptions } from './options.ts'

/**
 * Autoscaling on what agents feel, not on CPU: how long events wait, and how long decisions take. Agents are stateful, so a fleet
 * grows at once and shrinks slowly.
 */

const SHRINK_AFTER_SECONDS = 300

/** In milliseconds: Kubernetes counts in thousandths, and with seconds a limit below one of them would be 0. */
const MAILBOX = 'agent_mailbox_wait_p95_milliseconds'
const DECISION = 'agent_decision_latency_p99_milliseconds'

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
      metrics: [external(MAILBOX, mailboxSeconds), external(DECISION, decisionSeconds)],
      behavior: BEHAVIOR,
    },
  }
}

function external(name: string, seconds: number) {
  return { type: 'External', external: { metric: { name }, target: { type: 'Value', value: quantity(milliseconds(seconds)) } } }
}

/** Rules of prometheus-adapter that serve those two metrics. It puts the namespace of whoever asks in for `LabelMatchers`. */
export function adapterConfig(): Document {
  const rule = (series: string, name: string, metricsQuery: string) => ({
    seriesQuery: `${series}{namespace!=""}`,
    resources: { overrides: { namespace: { resource: 'namespace' } } },
    name: { as: name },
    metricsQuery,
  })
  const own = '{<<.LabelMatchers>>}'
  return {
    externalRules: [
      rule('agent_mailbox_wait_seconds_bucket', MAILBOX, mailboxQuery(own)),
      rule('agent_decision_latency_seconds_bucket', DECISION, decisionQuery(own)),
    ],
  }
}

/**
 * The same by KEDA. No `fallback`: KEDA has none for a metric of type `Value`, and a fixed number would shrink a large fleet while nobody
 * sees how it does. Without an answer of Prometheus the fleet stays as it is.
 */
export function scaledObject(options: ResolvedOperatorOptions): Document {
  const { namespace, workload, workloadKind, minReplicas, maxReplicas, prometheusUrl, decisionSeconds, mailboxSeconds } = options
  const own = `{namespace="${namespace}"}`
  const trigger = (metricName: string, query: string, seconds: number) => ({
    type: 'prometheus',
    metricType: 'Value',
    name: metricName,
    metadata: { serverAddress: prometheusUrl, query, threshold: String(milliseconds(seconds)), ignoreNullValues: 'false' },
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
      advanced: { horizontalPodAutoscalerConfig: { behavior: BEHAVIOR } },
      triggers: [
        trigger('mailbox-wait', mailboxQuery(own), mailboxSeconds),
        trigger('decision-latency', decisionQuery(own), decisionSeconds),
      ],
    },
  }
}

function mailboxQuery(own: string): string {
  return inMilliseconds(percentile(0.95, 'agent_mailbox_wait_seconds', [], '1m', own), own)
}

function decisionQuery(own: string): string {
  return inMilliseconds(percentile(0.99, 'agent_decision_latency_seconds', [], '1m', own), own)
}

/**
 * One value of the fleet `own`, zero where nothing was measured in the last minute: then nobody waits. Nothing where no process of the
 * fleet is seen: that is no zero, and must not shrink it.
 */
function inMilliseconds(query: string, own: string): string {
  return `1000 * ${query} >= 0 or 0 * ${count('telemetry_dropped_total', own)}`
}

/** To whole microseconds. */
function milliseconds(seconds: number): number {
  return Math.round(seconds * 1e6) / 1e3
}

/** As Kubernetes writes numbers: `50`, `400m` for 0.4. */
function quantity(value: number): string {
  return Number.isInteger(value) ? String(value) : `${Math.round(value * 1000)}m`
}
