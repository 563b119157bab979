import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import { TelemetryError } from '../errors.ts'
import { telemetryHooks, type TelemetryHooks } from '../hooks.ts'
import { createFlight, type Flight } from '../recorder/flight.ts'
import type { RecorderMemory } from '../recorder/read.ts'
import { createSpanTime } from '../span-time.ts'
import { createTally, type Tally } from '../tally.ts'
import { endsWithin } from './deadline.ts'
import { disabledTelemetry } from './disabled.ts'
import { readEnvironment, type Environment } from './environment.ts'
import { createFlightSchedule } from './flight-schedule.ts'
import { createFailureReport, type FailureReport } from './failure-report.ts'
import { directMetricSink, periodicMetricSink, type MetricSink } from './metric-sink.ts'
import { resolveTelemetryOptions, type ResolvedTelemetryOptions, type StartTelemetryOptions } from './options.ts'
import { createResource } from './resource.ts'
import { guardedAgent } from './guarded-agent.ts'
import { openScrapeEndpoint } from './scrape-endpoint.ts'
import { createSpanReplay } from './span-replay.ts'
import { batchedSpanSink, directSpanSink, type SpanSink } from './span-sink.ts'

/** A running telemetry: hooks, sinks, and their end. */
export interface Telemetry extends TelemetryHooks {
  /** The flight recorder's shared memory, for `readFlight` on this or another thread; undefined without a recorder. */
  readonly memory: RecorderMemory | undefined
  /** Where the metrics can be read, if they can. */
  readonly prometheus: { readonly host: string; readonly port: number; readonly url: string } | undefined
  /** What was lost or could not be sent so far. */
  readonly tally: Tally
  /** Sends what there is now. Never rejects; ends within `closeTimeoutMs`. */
  flush(): Promise<void>
  /** Stops observing, sends what there is, ends everything. Never rejects; ends within `closeTimeoutMs` (I8). Call it as often as you like. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const SCOPE = '@stigmergy/telemetry'

/**
 * Spans and metrics in one call: a Prometheus endpoint, OTLP where an endpoint is known, and whatever sinks the user adds.
 * Registers nothing globally, so it lives beside another OpenTelemetry set-up in the same process.
 * Reads the OTEL_* variables. Throws `TelemetryError` BAD_OPTION, PORT_IN_USE or LISTEN_FAILED, and leaves nothing open then.
 */
export async function startTelemetry(options: StartTelemetryOptions = {}): Promise<Telemetry> {
  const environment = readEnvironment(process.env)
  const settings = resolveTelemetryOptions(options, environment)
  if (environment.disabled) return disabledTelemetry()

  const tally = createTally()
  // First, as the only thing that can fail from outside: nothing else is open yet.
  const endpoint = settings.prometheus && (await openScrapeEndpoint(settings.prometheus))
  const report = createFailureReport(tally, settings.warn)
  const spanSinks = openSpanSinks(options, settings, environment, tally, report)
  const metricSinks = [...(endpoint === undefined ? [] : [endpoint]), ...openMetricSinks(options, settings, environment, report)]
  const sinks = [...spanSinks, ...metricSinks]

  const resource = createResource(settings.service, settings.base)
  let meters: MeterProvider
  try {
    meters = new MeterProvider({
      resource,
      readers: metricSinks.map((sink) => sink.reader),
      // agent_id is bounded by us; this bound is above it, so that `other` and not the SDK's overflow series takes the rest.
      views: [{ instrumentName: '*', aggregationCardinalityLimit: Math.max(2000, settings.maxLabelValues * 10) }],
    })
  } catch (error) {
    await endsWithin(
      sinks.map((sink) => sink.close()),
      settings.closeTimeoutMs,
    )
    throw new TelemetryError('BAD_OPTION', `metricReaders holds one that cannot be used: ${String(error)}`, { cause: error })
  }

  const schedule = createFlightSchedule(() => flight as Flight, spanSinks)
  const flight =
    settings.recorder &&
    createFlight(settings.recorder, {
      clock: settings.clock,
      random: settings.random,
      // Nobody to tell of spans: then none are made.
      emit:
        spanSinks.length === 0
          ? () => {}
          : createSpanReplay({
              scope: SCOPE,
              resource,
              processors: spanSinks.map((sink) => sink.processor),
              time: createSpanTime(settings.clock),
              tally,
            }),
      wake: schedule.wake,
      tell: (decisions) => options.keepPort?.tell(decisions),
    })
  const hooks = telemetryHooks({
    flight,
    meter: meters.getMeter(SCOPE),
    clock: settings.clock,
    maxLabelValues: settings.maxLabelValues,
    tally,
    ...settings.base,
  })
  const deaf = flight && options.keepPort?.listen(({ traceId }) => flight.recorder.keepRemote(traceId))
  let detach: readonly (() => void)[]
  try {
    detach = [...attach(hooks, options), ...(deaf === undefined ? [] : [deaf])]
  } catch (error) {
    deaf?.()
    await endsWithin(
      sinks.map((sink) => sink.close()),
      settings.closeTimeoutMs,
    )
    throw new TelemetryError('BAD_OPTION', `grid or system cannot be observed: ${String(error)}`, { cause: error })
  }
  const flushAll = async (): Promise<void> => {
    if (flight !== undefined) await schedule.flush()
    await Promise.allSettled(sinks.map(async (sink) => sink.flush()))
  }

  const closeAll = async (): Promise<void> => {
    if (flight !== undefined) await schedule.finish(settings.closeTimeoutMs / 2)
    await Promise.allSettled(sinks.map(async (sink) => sink.close()))
  }
  let closing: Promise<void> | undefined
  const close = (): Promise<void> =>
    (closing ??= (async () => {
      for (const remove of detach) remove()
      if (await endsWithin([closeAll()], settings.closeTimeoutMs)) return
      for (const sink of sinks) sink.abort(new Error(`given up at close after ${settings.closeTimeoutMs} ms`))
    })())

  return {
    ...hooks,
    memory: flight && { ring: flight.recorder.ring.buffer, strings: flight.recorder.strings.buffer },
    prometheus: endpoint && { host: endpoint.host, port: endpoint.port, url: endpoint.url },
    tally,
    async flush() {
      if (closing === undefined) await endsWithin([flushAll()], settings.closeTimeoutMs)
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

function openSpanSinks(
  options: StartTelemetryOptions,
  settings: ResolvedTelemetryOptions,
  environment: Environment,
  tally: Tally,
  report: FailureReport,
): SpanSink[] {
  const batched = {
    tally,
    queueSize: environment.spanQueueSize,
    timeoutMs: environment.spanExportTimeoutMs,
    onFailure: (error: Error) => report('traces', error),
  }
  const otlp = settings.tracesUrl === undefined ? [] : [new OTLPTraceExporter(otlpConfig(settings.tracesUrl, settings))]
  return [
    ...[...otlp, ...(options.spanExporters ?? [])].map((exporter) => batchedSpanSink(exporter, batched)),
    ...(options.spanProcessors ?? []).map((processor) => directSpanSink(processor, tally)),
  ]
}

function openMetricSinks(
  options: StartTelemetryOptions,
  settings: ResolvedTelemetryOptions,
  environment: Environment,
  report: FailureReport,
): MetricSink[] {
  const otlp =
    settings.metricsUrl === undefined
      ? []
      : [
          periodicMetricSink(new OTLPMetricExporter(otlpConfig(settings.metricsUrl, settings)), {
            intervalMs: environment.metricIntervalMs,
            timeoutMs: environment.metricTimeoutMs,
            onFailure: (error) => report('metrics', error),
          }),
        ]
  return [...otlp, ...(options.metricReaders ?? []).map(directMetricSink)]
}

function otlpConfig(
  url: string,
  { otlpHeaders, otlpTimeoutMs }: ResolvedTelemetryOptions,
): { url: string; timeoutMillis: number; httpAgentOptions: typeof guardedAgent; headers?: Record<string, string> } {
  return {
    url,
    timeoutMillis: otlpTimeoutMs,
    httpAgentOptions: guardedAgent,
    ...(otlpHeaders === undefined ? {} : { headers: { ...otlpHeaders } }),
  }
}

function attach(hooks: TelemetryHooks, { grid, system }: StartTelemetryOptions): readonly (() => void)[] {
  return [
    ...(grid === undefined ? [] : [grid.use(hooks.grid), hooks.watchGrid(grid)]),
    ...(system === undefined ? [] : [system.use(hooks.core)]),
  ]
}
