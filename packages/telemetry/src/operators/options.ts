import { TelemetryError } from '../errors.ts'
import { fields } from '../fields.ts'
import { BUCKETS_SECONDS } from '../metrics/buckets.ts'
import { integer, quote, text } from '../options.ts'

/** What the files for operators depend on. Every value has a default that is right for the demo. */
export interface OperatorOptions {
  /**
   * Kubernetes namespace of the agents, and the label `namespace` of their series: they are scaled by those, and where it is given the
   * rules look at those alone. @default `default`, and the rules look at all series
   */
  readonly namespace?: string
  /** StatefulSet or Deployment that runs the agents. @default `stigmergy-agents` */
  readonly workload?: string
  /** @default `StatefulSet`: what it owns is handed over before a pod ends */
  readonly workloadKind?: 'StatefulSet' | 'Deployment'
  /** Where KEDA asks. @default `http://prometheus.monitoring.svc:9090` */
  readonly prometheusUrl?: string
  /** A copy of a map older than this is an alert. Seconds. @default 0.05 */
  readonly mapAgeSeconds?: number
  /** A source that was silent for longer than this is an alert: more than the slowest speaks. Seconds. @default 5 */
  readonly sourceAgeSeconds?: number
  /**
   * The 99th percentile of decisions above this is an alert, and what the fleet is scaled to. Seconds, 0.001 to 9. The alert is exact at the
   * edges of the histogram, which are the steps 1, 2, 5; between two of them, and in the ratio that the fleet is scaled by, the percentile is
   * interpolated. @default 0.2
   */
  readonly decisionSeconds?: number
  /** Events that wait longer than this, at the 95th percentile, ask for more processes. Seconds, 0.001 to 9, with the same edges. @default 0.05 */
  readonly mailboxSeconds?: number
  /** Fewest and most processes. @default 2 and 20 */
  readonly minReplicas?: number
  readonly maxReplicas?: number
}

export interface ResolvedOperatorOptions extends Required<OperatorOptions> {
  /** Matcher of the series that the rules look at. Undefined: all of them. */
  readonly own: string | undefined
}

/** Throws `TelemetryError` BAD_OPTION. */
export function resolveOperatorOptions(given: OperatorOptions = {}): ResolvedOperatorOptions {
  const options = fields<OperatorOptions>('operatorFiles', given, NAMES)
  const minReplicas = integer('minReplicas', options.minReplicas, 2, 1, 10_000)
  const namespace = dnsLabel('namespace', options.namespace, 'default')
  return {
    namespace,
    own: options.namespace === undefined ? undefined : `namespace="${namespace}"`,
    workload: dnsLabel('workload', options.workload, 'stigmergy-agents'),
    workloadKind: workloadKind(options.workloadKind),
    prometheusUrl: httpUrl('prometheusUrl', options.prometheusUrl, 'http://prometheus.monitoring.svc:9090'),
    mapAgeSeconds: seconds('mapAgeSeconds', options.mapAgeSeconds, 0.05),
    sourceAgeSeconds: seconds('sourceAgeSeconds', options.sourceAgeSeconds, 5),
    decisionSeconds: seconds('decisionSeconds', options.decisionSeconds, 0.2, ...MEASURED),
    mailboxSeconds: seconds('mailboxSeconds', options.mailboxSeconds, 0.05, ...MEASURED),
    minReplicas,
    maxReplicas: integer('maxReplicas', options.maxReplicas, Math.max(20, minReplicas), minReplicas, 10_000),
  }
}

function dnsLabel(name: string, value: unknown, byDefault: string): string {
  const given = text(name, value) ?? byDefault
  if (/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(given)) return given
  throw new TelemetryError('BAD_OPTION', `${name} is ${quote(given)}: give a DNS label, lower-case letters, digits and dashes, 63 at most`)
}

function workloadKind(value: unknown): 'StatefulSet' | 'Deployment' {
  if (value === undefined || value === 'StatefulSet' || value === 'Deployment') return value ?? 'StatefulSet'
  throw new TelemetryError('BAD_OPTION', `workloadKind is ${quote(value)}: give "StatefulSet" or "Deployment"`)
}

function httpUrl(name: string, value: unknown, byDefault: string): string {
  const given = text(name, value) ?? byDefault
  if (URL.canParse(given) && /^https?:$/.test(new URL(given).protocol)) return given
  throw new TelemetryError('BAD_OPTION', `${name} is ${quote(given)}: give an http or https URL`)
}

/**
 * What a percentile of a histogram can be clearly above and below. It is never over the last bound; and where all values are in the first
 * bucket it is just under the first bound, however short they are: a fleet that is scaled to that bound would never shrink.
 */
const MEASURED = [BUCKETS_SECONDS[1] as number, (BUCKETS_SECONDS.at(-1) as number) - 1] as const

// Kubernetes counts in thousandths of what it scales by, which are milliseconds.
function seconds(name: string, value: unknown, byDefault: number, min = 0.000_001, max = 3600): number {
  const given = value ?? byDefault
  if (typeof given === 'number' && given >= min && given <= max) return given
  throw new TelemetryError('BAD_OPTION', `${name} is ${quote(given)}: give seconds from ${min} to ${max}`)
}

const NAMES: Readonly<Record<keyof OperatorOptions, true>> = {
  namespace: true,
  workload: true,
  workloadKind: true,
  prometheusUrl: true,
  mapAgeSeconds: true,
  sourceAgeSeconds: true,
  decisionSeconds: true,
  mailboxSeconds: true,
  minReplicas: true,
  maxReplicas: true,
}
