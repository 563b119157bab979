import { isAbsolute } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { LogRecordExporter } from '@opentelemetry/sdk-logs'
import type { MetricReader } from '@opentelemetry/sdk-metrics'
import type { SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace-base'
import type { CoreHooks } from '@stigmergy/core'
import type { Clock, Grid } from '@stigmergy/grid'
import { systemClock } from '@stigmergy/grid'
import type { KeepPort } from '../keep-port.ts'
import { resolveRecorderOptions, type RecorderOptions, type ResolvedRecorderOptions } from '../recorder/options.ts'
import { TelemetryError } from '../errors.ts'
import type { BaseLabels } from '../labels.ts'
import type { WatchedSystem } from '../telemetry-metrics.ts'
import { baseLabels, flag, DEFAULT_MAX_LABEL_VALUES, integer, quote, text } from '../options.ts'
import { clockOf, fields, functionOf, listOf } from '../fields.ts'
import { signalUrl, type Environment } from './environment.ts'
import { optionsOf } from './option-names.ts'
import { prometheusOf, type PrometheusOptions } from './prometheus-options.ts'
import { warnOf } from './warn.ts'
import type { Instrumentation } from './instrumentation.ts'
import type { ProfilingOptions } from './profiling/profile-signal.ts'
import { profilingOf } from './profiling/profiling-options.ts'

export interface OtlpOptions {
  /** Base URL of a collector that takes http/protobuf, such as `http://localhost:4318`. @default the OTEL_* variables */
  readonly endpoint?: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface LogOptions {
  /** The least level that is written, one of pino's. @default `info` */
  readonly level?: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'
  /** Takes the lines, each with its end. @default standard output */
  readonly destination?: { write(line: string): unknown }
}

export interface StartTelemetryOptions extends BaseLabels {
  /** Name of the service. @default OTEL_SERVICE_NAME, else service.name of OTEL_RESOURCE_ATTRIBUTES, else `stigmergy` */
  readonly service?: string
  /** Grid to observe: its changes and the ages of its maps. */
  readonly grid?: Grid
  /**
   * System to observe, its mailboxes too. Transitions before this call are not seen: better give `telemetry.core` to
   * `createSystem({ hooks })`, and the system to `telemetry.watchSystem`.
   */
  readonly system?: { use(hooks: CoreHooks): () => void } & Partial<WatchedSystem>
  /** Metrics at `http://host:port/metrics`. @default on only where OTEL_METRICS_EXPORTER names `prometheus` */
  readonly prometheus?: boolean | PrometheusOptions
  /**
   * A logger, `telemetry.logger`, made by pino (an optional peer). Its lines carry `trace_id`, `span_id`, `plan_id`, `agent_id` and
   * `agent_type` of the transition they are written in, are counted, and go by OTLP where an endpoint is known. @default off
   */
  readonly logs?: boolean | LogOptions
  /** Spans, metrics and logs by OTLP. `false`: never. @default on where OTEL_EXPORTER_OTLP_ENDPOINT (or one per signal) is set */
  readonly otlp?: false | OtlpOptions
  /** @default the grid's clock, else the system clock */
  readonly clock?: Clock
  /** Different values a label such as `agent_id` may take; later ones are `other`. @default 200 */
  readonly maxLabelValues?: number
  /** Deadline of `close()` in milliseconds, but for `prometheus.lastScrapeMs`. An OTLP export gets at most 80 % of it, so that none outlives a close. @default 3000 */
  readonly closeTimeoutMs?: number
  /**
   * Which traces are exported; the others stay in the recorder until they are overwritten. `all`, or rules.
   * @default errors, violations, at most one slow trace a second per type of agent, and 1 % of the rest
   */
  readonly keep?: RecorderOptions['keep']
  /** The flight recorder; `false`: none, then there are no spans and contexts pass through unchanged. @default on */
  readonly recorder?: false | Omit<RecorderOptions, 'keep'>
  /** How processes tell each other which traces to keep, such as `gridKeepPort(grid)`. @default none: each keeps its own */
  readonly keepPort?: KeepPort
  /** Also name what agents do as OpenTelemetry's conventions for generative AI do (`gen_ai.*`, not stable yet). @default false */
  readonly genAi?: boolean
  /** Randomness of ids, from 0 to below 1. @default Math.random */
  readonly random?: () => number
  /**
   * Make, serialise and send the spans of kept traces on a thread of their own, which reads the recorder's memory: however long that takes, it
   * delays no agent. It sends by OTLP where an endpoint is known, and to the exporters that the ES module `module` (a URL or absolute path)
   * exports as `spanExporters`. `spanExporters` and `spanProcessors` of these options stay on this thread. If the thread ends, what it had
   * is counted as dropped, one line says so, and spans go by OTLP from this thread; the exporters of `module` are not loaded here, where
   * they could end the agents too: what they would have got is counted as dropped. @default false: on this thread, in portions
   */
  readonly exportThread?: boolean | { readonly module?: string | URL }
  /** More places for spans to go; exported in batches. */
  readonly spanExporters?: readonly SpanExporter[]
  /** More places for spans to go, without a batch. */
  readonly spanProcessors?: readonly SpanProcessor[]
  /**
   * Instrumentations of OpenTelemetry for what agents call (HTTP, undici, gRPC, databases): their spans join the pipeline of the agent that
   * calls. Needs the recorder, and registers a context manager globally. @default none: nothing is registered globally
   */
  readonly instrumentations?: readonly Instrumentation[]
  /**
   * With instrumentations: what an agent began keeps its trace after an `await`, by AsyncLocalStorage. On Node 20 that slows every `await`
   * of the process. @default false: only what is called before the first `await` joins
   */
  readonly asyncContext?: boolean
  /** Take a CPU profile into a file at each signal (`SIGUSR2` for `true`), as `telemetry.profile` does. @default off */
  readonly profiling?: boolean | ProfilingOptions
  /** More places for log records to go; exported in batches. */
  readonly logExporters?: readonly LogRecordExporter[]
  /** More readers of the metrics. */
  readonly metricReaders?: readonly MetricReader[]
  /** Told once, in one line, that an export failed. @default a line on stderr */
  readonly warn?: (line: string) => void
}

/** Checked and complete. */
export interface ResolvedTelemetryOptions {
  readonly service: string | undefined
  readonly base: BaseLabels
  readonly clock: Clock
  readonly maxLabelValues: number
  readonly closeTimeoutMs: number
  readonly recorder: ResolvedRecorderOptions | undefined
  readonly random: () => number
  readonly genAi: boolean
  readonly exportThread: { readonly module: string | undefined } | undefined
  readonly spansWanted: boolean
  readonly asyncContext: boolean
  readonly profiling: Required<ProfilingOptions> | undefined
  readonly prometheus: Required<PrometheusOptions> | undefined
  readonly tracesUrl: string | undefined
  readonly metricsUrl: string | undefined
  readonly logsUrl: string | undefined
  readonly logs: Required<LogOptions> | undefined
  readonly otlpHeaders: Readonly<Record<string, string>> | undefined
  readonly maxOtlpTimeoutMs: number
  readonly warn: (line: string) => void
}

/** Options in code come before the environment. Throws `TelemetryError` BAD_OPTION. */
export function resolveTelemetryOptions(given: StartTelemetryOptions, environment: Environment): ResolvedTelemetryOptions {
  const options = optionsOf.startTelemetry(given)
  listOf('spanExporters', options.spanExporters, 'export')
  listOf('spanProcessors', options.spanProcessors, 'onEnd')
  listOf('logExporters', options.logExporters, 'export')
  listOf('metricReaders', options.metricReaders, 'setMetricProducer')
  const closeTimeoutMs = integer('closeTimeoutMs', options.closeTimeoutMs, 3000, 1, 600_000)
  return {
    service: text('service', options.service),
    base: baseLabels(options),
    clock: options.clock === undefined ? (options.grid?.clock ?? systemClock()) : clockOf('clock', options.clock),
    maxLabelValues: integer('maxLabelValues', options.maxLabelValues, DEFAULT_MAX_LABEL_VALUES, 1, 10_000),
    closeTimeoutMs,
    recorder: recorderOf(options, environment),
    random: functionOf('random', options.random) ?? Math.random,
    logs: logsOf(options.logs),
    profiling: profilingOf(options.profiling),
    asyncContext: flag('asyncContext', options.asyncContext, false),
    genAi: flag('genAi', options.genAi, false),
    exportThread: exportThreadOf(options.exportThread),
    spansWanted: environment.spansWanted || (typeof options.recorder === 'object' && options.recorder.headRatio !== undefined),
    prometheus: prometheusOf(options.prometheus, environment),
    ...otlpOf(options.otlp, environment),
    // The exporter sleeps between its retries with timers nobody can end: so none may sleep past the close (I8).
    maxOtlpTimeoutMs: Math.max(1, Math.floor(closeTimeoutMs * 0.8)),
    warn: warnOf(options.warn),
  }
}

function recorderOf(
  { recorder, keep, instrumentations }: StartTelemetryOptions,
  { sampler }: Environment,
): ResolvedRecorderOptions | undefined {
  listOf('instrumentations', instrumentations, 'setTracerProvider')
  if (instrumentations !== undefined && recorder === false) {
    throw new TelemetryError('BAD_OPTION', 'instrumentations are given and recorder is false: their spans wait in the recorder')
  }
  if (recorder !== undefined && recorder !== false && (typeof recorder !== 'object' || recorder === null)) {
    throw new TelemetryError('BAD_OPTION', `recorder is ${quote(recorder)}: give false or options such as { historyMs: 30_000 }`)
  }
  const own = recorder === false || recorder === undefined ? {} : recorder
  const resolved = resolveRecorderOptions(
    // A share in code is one of what begins here, whatever the sampler would be asked for.
    { ...(own.headRatio === undefined ? sampler : undefined), ...own, ...(keep === undefined ? {} : { keep }) },
    // To OpenTelemetry a sampler says what is exported, not what may be: so who names one gets all of it.
    sampler === undefined ? undefined : 1,
  )
  return recorder === false ? undefined : resolved
}

function exportThreadOf(given: unknown): ResolvedTelemetryOptions['exportThread'] {
  if (given === undefined || given === false) return undefined
  if (given === true) return { module: undefined }
  const wrong = (what: unknown): TelemetryError =>
    new TelemetryError('BAD_OPTION', `exportThread is ${quote(what)}: give true or { module }, the URL or absolute path of an ES module`)
  if (typeof given !== 'object' || given === null) throw wrong(given)
  const { module } = fields<{ readonly module?: unknown }>('exportThread', given, { module: true })
  if (module === undefined) return { module: undefined }
  if (module instanceof URL) return { module: module.href }
  if (typeof module === 'string' && module.startsWith('file:') && URL.canParse(module)) return { module }
  if (typeof module === 'string' && isAbsolute(module)) return { module: pathToFileURL(module).href }
  throw wrong(typeof module === 'string' ? module : JSON.stringify(given))
}

const LEVELS: readonly unknown[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal']

/** Undefined where no logs are wanted. Throws `TelemetryError` BAD_OPTION. */
export function logsOf(given: StartTelemetryOptions['logs']): Required<LogOptions> | undefined {
  if (given === undefined || given === false) return undefined
  const { level = 'info', destination = process.stdout } = given === true ? {} : optionsOf.logs(given)
  if (!LEVELS.includes(level)) throw new TelemetryError('BAD_OPTION', `logs.level is ${quote(level)}: give one of ${LEVELS.join(', ')}`)
  if (typeof destination?.write === 'function') return { level, destination }
  throw new TelemetryError('BAD_OPTION', `logs.destination is ${quote(destination)}: give something with write(line)`)
}

function otlpOf(
  given: StartTelemetryOptions['otlp'],
  environment: Environment,
): Pick<ResolvedTelemetryOptions, 'tracesUrl' | 'metricsUrl' | 'logsUrl' | 'otlpHeaders'> {
  if (given === false) return { tracesUrl: undefined, metricsUrl: undefined, logsUrl: undefined, otlpHeaders: undefined }
  const { endpoint, headers } = given === undefined ? {} : optionsOf.otlp(given)
  const isObject = typeof headers === 'object' && headers !== null
  if (headers !== undefined && !(isObject && Object.values(headers).every((value) => typeof value === 'string'))) {
    throw new TelemetryError('BAD_OPTION', `otlp.headers is ${quote(JSON.stringify(headers))}: give strings only`)
  }
  if (endpoint === undefined) {
    const { tracesUrl, metricsUrl, logsUrl } = environment
    return { tracesUrl, metricsUrl, logsUrl, otlpHeaders: headers }
  }
  return {
    tracesUrl: environment.tracesWanted ? signalUrl('otlp.endpoint', endpoint, 'v1/traces') : undefined,
    metricsUrl: environment.metricsWanted ? signalUrl('otlp.endpoint', endpoint, 'v1/metrics') : undefined,
    logsUrl: environment.logsWanted ? signalUrl('otlp.endpoint', endpoint, 'v1/logs') : undefined,
    otlpHeaders: headers,
  }
}
