import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import type { MetricProducer, MetricReader } from '@opentelemetry/sdk-metrics'
import { TelemetryError } from '../errors.ts'
import type { Tally } from '../tally.ts'
import type { Environment } from './environment.ts'
import type { FailureReport } from './failure-report.ts'
import { guardedAgent } from './guarded-agent.ts'
import type { LostSpans } from './lost-spans.ts'
import { directMetricSink, periodicMetricSink, type MetricSink } from './metric-sink.ts'
import type { ResolvedTelemetryOptions, StartTelemetryOptions } from './options.ts'
import type { Signal } from './otlp-variables.ts'
import { withRefusedSpans } from './partial-success.ts'
import { batchedSpanSink, directSpanSink, type SpanSink } from './span-sink.ts'

/** What every sink is opened with. */
export interface SinkParts extends LostSpans {
  readonly options: StartTelemetryOptions
  readonly settings: ResolvedTelemetryOptions
  readonly environment: Environment
  readonly tally: Tally
  readonly report: FailureReport
}

/** None where nobody wants spans: then none are made. */
export function openSpanSinks(parts: SinkParts): SpanSink[] {
  const { options, settings, lose } = parts
  if (!settings.spansWanted) return []
  return [
    ...(settings.exportThread === undefined ? openOtlpSink(parts) : []),
    ...(options.spanExporters ?? []).map((exporter) => batchedSpanSink(exporter, batching(parts))),
    ...(options.spanProcessors ?? []).map((processor) => directSpanSink(processor, lose)),
  ]
}

/** Spans by OTLP from this thread; none where no endpoint is known. */
export function openOtlpSink(parts: SinkParts): SpanSink[] {
  const { tracesUrl } = parts.settings
  if (tracesUrl === undefined) return []
  const options = batching(parts)
  const exporter = new OTLPTraceExporter(otlpConfig('traces', tracesUrl, parts))
  return [batchedSpanSink(withRefusedSpans(exporter, options.lose, options.onFailure), options)]
}

function batching({ environment, lose, report }: SinkParts): Parameters<typeof batchedSpanSink>[1] {
  return {
    lose,
    queueSize: environment.spanQueueSize,
    delayMs: environment.spanDelayMs,
    timeoutMs: environment.spanExportTimeoutMs,
    onFailure: (error) => report('traces', error),
  }
}

/** `producerFor` makes what a reader reads. Throws `TelemetryError` BAD_OPTION for a reader that reads something else already. */
export function openMetricSinks(
  { options, settings, environment, report }: SinkParts,
  producerFor: (reader: MetricReader) => MetricProducer,
): MetricSink[] {
  const otlp =
    settings.metricsUrl === undefined
      ? []
      : [
          periodicMetricSink(new OTLPMetricExporter(otlpConfig('metrics', settings.metricsUrl, { settings, environment })), {
            intervalMs: environment.metricIntervalMs,
            timeoutMs: environment.metricTimeoutMs,
            onFailure: (error) => report('metrics', error),
          }),
        ]
  const sinks = [...otlp, ...(options.metricReaders ?? []).map(directMetricSink)]
  try {
    for (const { reader } of sinks) reader.setMetricProducer(producerFor(reader))
  } catch (error) {
    for (const sink of otlp) void sink.close()
    throw new TelemetryError('BAD_OPTION', `metricReaders holds one that cannot be used: ${String(error)}`, { cause: error })
  }
  return sinks
}

export interface OtlpConfig {
  readonly url: string
  readonly timeoutMillis: number
  readonly httpAgentOptions: ReturnType<typeof guardedAgent>
  readonly headers?: Record<string, string>
}

export function otlpConfig(
  signal: Signal,
  url: string,
  { settings, environment }: Pick<SinkParts, 'settings' | 'environment'>,
): OtlpConfig {
  const { otlpHeaders, maxOtlpTimeoutMs } = settings
  const { timeoutMs, tls } = environment.otlp[signal]
  return {
    url,
    timeoutMillis: Math.min(timeoutMs, maxOtlpTimeoutMs),
    httpAgentOptions: guardedAgent(tls),
    ...(otlpHeaders === undefined ? {} : { headers: { ...otlpHeaders } }),
  }
}
