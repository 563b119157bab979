import { TelemetryError } from '../errors.ts'
import { quote } from '../options.ts'
import { readOtlp, type OtlpVariables } from './otlp-variables.ts'
import { get, positive, type Variables } from './variables.ts'

/**
 * What of the OpenTelemetry environment variables decides here; the SDK and the exporters read the others themselves
 * (span limits, resource attributes, headers, compression, temporality).
 * Names and meaning: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export interface Environment {
  /** URL for each signal, if it is to be sent by OTLP. */
  readonly tracesUrl: string | undefined
  readonly metricsUrl: string | undefined
  readonly logsUrl: string | undefined
  /** False where `OTEL_TRACES_EXPORTER`, `OTEL_METRICS_EXPORTER` or `OTEL_LOGS_EXPORTER` says so, also for an endpoint given in code. */
  readonly tracesWanted: boolean
  readonly metricsWanted: boolean
  readonly logsWanted: boolean
  /** How an export by OTLP is made, by signal. */
  readonly otlp: OtlpVariables
  readonly spanQueueSize: number
  readonly spanDelayMs: number
  readonly spanExportTimeoutMs: number
  /** What of the traces may be kept, from `OTEL_TRACES_SAMPLER`; undefined where it is not set. */
  readonly sampler: { readonly headRatio: number; readonly parentBased: boolean } | undefined
  /** False where `OTEL_TRACES_SAMPLER` is `always_off`: no span leaves this process, whoever sampled its trace. */
  readonly spansWanted: boolean
  /** How traces go along with requests, from `OTEL_PROPAGATORS`; checked where there is somebody to send them. */
  readonly propagators: readonly string[] | undefined
  readonly logQueueSize: number
  readonly logDelayMs: number
  readonly logExportTimeoutMs: number
  readonly metricIntervalMs: number
  readonly metricTimeoutMs: number
  readonly prometheusWanted: boolean
  readonly prometheusHost: string | undefined
  readonly prometheusPort: number
}

/** True where `OTEL_SDK_DISABLED` says that nothing is wanted, whatever the other variables say. */
export function isDisabled(variables: Variables): boolean {
  return get(variables, 'OTEL_SDK_DISABLED')?.toLowerCase() === 'true'
}

/** Reads the variables; an empty one counts as not set. Throws `TelemetryError` BAD_OPTION naming the variable. */
export function readEnvironment(variables: Variables): Environment {
  const tracesExporters = exportersOf(variables, 'OTEL_TRACES_EXPORTER', ['otlp', 'none'])
  const metricsExporters = exportersOf(variables, 'OTEL_METRICS_EXPORTER', ['otlp', 'prometheus', 'none'])
  const tracesUrl = otlpUrl(variables, 'TRACES', tracesExporters)
  const logsExporters = exportersOf(variables, 'OTEL_LOGS_EXPORTER', ['otlp', 'none'])
  const metricsUrl = otlpUrl(variables, 'METRICS', metricsExporters)
  return {
    tracesUrl,
    metricsUrl,
    logsUrl: otlpUrl(variables, 'LOGS', logsExporters),
    tracesWanted: wantsOtlp(tracesExporters),
    metricsWanted: wantsOtlp(metricsExporters),
    logsWanted: wantsOtlp(logsExporters),
    otlp: readOtlp(variables),
    spanQueueSize: positive(variables, 'OTEL_BSP_MAX_QUEUE_SIZE', 2048, MAX_QUEUE),
    spanDelayMs: positive(variables, 'OTEL_BSP_SCHEDULE_DELAY', 5000),
    spanExportTimeoutMs: positive(variables, 'OTEL_BSP_EXPORT_TIMEOUT', 30_000),
    sampler: samplerOf(variables),
    spansWanted: get(variables, 'OTEL_TRACES_SAMPLER')?.toLowerCase() !== 'always_off',
    propagators: list(variables, 'OTEL_PROPAGATORS'),
    logQueueSize: positive(variables, 'OTEL_BLRP_MAX_QUEUE_SIZE', 2048, MAX_QUEUE),
    logDelayMs: positive(variables, 'OTEL_BLRP_SCHEDULE_DELAY', 1000),
    logExportTimeoutMs: positive(variables, 'OTEL_BLRP_EXPORT_TIMEOUT', 30_000),
    metricIntervalMs: positive(variables, 'OTEL_METRIC_EXPORT_INTERVAL', 60_000),
    metricTimeoutMs: positive(variables, 'OTEL_METRIC_EXPORT_TIMEOUT', 30_000),
    prometheusWanted: metricsExporters?.includes('prometheus') ?? false,
    prometheusHost: get(variables, 'OTEL_EXPORTER_PROMETHEUS_HOST'),
    prometheusPort: positive(variables, 'OTEL_EXPORTER_PROMETHEUS_PORT', 9464, 65_535),
  }
}

/** Of spans or log records: some gigabytes. */
const MAX_QUEUE = 10_000_000

/** Base URL -> URL of a signal, as the OTLP specification joins them. Throws `TelemetryError` BAD_OPTION naming `option`. */
export function signalUrl(option: string, base: string, path: string): string {
  const url = httpUrl(option, base)
  return `${url}${url.endsWith('/') ? '' : '/'}${path}`
}

function otlpUrl(
  variables: Variables,
  signal: 'TRACES' | 'METRICS' | 'LOGS',
  exporters: readonly string[] | undefined,
): string | undefined {
  if (!wantsOtlp(exporters)) return undefined
  const own = `OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`
  const ownValue = get(variables, own)
  const common = get(variables, 'OTEL_EXPORTER_OTLP_ENDPOINT')
  if (ownValue === undefined && common === undefined && exporters === undefined) return undefined
  requireProtobuf(variables, signal)
  if (ownValue !== undefined) return httpUrl(own, ownValue)
  return signalUrl('OTEL_EXPORTER_OTLP_ENDPOINT', common ?? 'http://localhost:4318', `v1/${signal.toLowerCase()}`)
}

function wantsOtlp(exporters: readonly string[] | undefined): boolean {
  return exporters === undefined || exporters.includes('otlp')
}

/** Another protocol at that endpoint would fail at every export; better to say so at the start. */
function requireProtobuf(variables: Variables, signal: string): void {
  const own = `OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`
  const name = get(variables, own) === undefined ? 'OTEL_EXPORTER_OTLP_PROTOCOL' : own
  const protocol = get(variables, name)
  if (protocol === undefined || protocol.toLowerCase() === 'http/protobuf') return
  throw new TelemetryError('BAD_OPTION', `${name} is ${quote(protocol)}: only "http/protobuf" is spoken here (usually port 4318)`)
}

function httpUrl(option: string, value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return value
  throw new TelemetryError('BAD_OPTION', `${option} is ${quote(value)}: give a URL such as "http://localhost:4318"`)
}

const SAMPLER = 'OTEL_TRACES_SAMPLER'
const PARENT_BASED = 'parentbased_'

function samplerOf(variables: Variables): Environment['sampler'] {
  const given = get(variables, SAMPLER)?.toLowerCase()
  if (given === undefined) return undefined
  const parentBased = given.startsWith(PARENT_BASED)
  const sampler = parentBased ? given.slice(PARENT_BASED.length) : given
  if (sampler === 'traceidratio') return { headRatio: samplerRatio(variables), parentBased }
  if (sampler === 'always_on' || sampler === 'always_off') return { headRatio: sampler === 'always_on' ? 1 : 0, parentBased }
  throw new TelemetryError(
    'BAD_OPTION',
    `${SAMPLER} is ${quote(given)}: give always_on, always_off or traceidratio, each also after ${PARENT_BASED}`,
  )
}

function samplerRatio(variables: Variables): number {
  const value = get(variables, `${SAMPLER}_ARG`)
  const ratio = Number(value ?? 1)
  if (ratio >= 0 && ratio <= 1) return ratio
  throw new TelemetryError('BAD_OPTION', `${SAMPLER}_ARG is ${quote(value)}: give a number from 0 to 1`)
}

/** A name that nobody here knows would else turn the signal off, and nobody would know why. */
function exportersOf(variables: Variables, name: string, known: readonly string[]): readonly string[] | undefined {
  const given = list(variables, name)
  const wrong = given?.find((exporter) => !known.includes(exporter))
  if (wrong === undefined) return given
  throw new TelemetryError('BAD_OPTION', `${name} is or holds ${quote(wrong)}: give ${known.join(', ')}`)
}

function list(variables: Variables, name: string): readonly string[] | undefined {
  return get(variables, name)
    ?.split(',')
    .map((item) => item.trim().toLowerCase())
    .filter((item) => item !== '')
}
