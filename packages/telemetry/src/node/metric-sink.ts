import {
  AggregationTemporality,
  PeriodicExportingMetricReader,
  type MetricReader,
  type PushMetricExporter,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics'
import { guardExports } from './export-guard.ts'
import type { Sink } from './sink.ts'
import { forgetUnobservedGauges } from './temporality.ts'

export interface MetricSinkOptions {
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly onFailure: (error: Error) => void
}

/** A metric reader and the way to end it. */
export interface MetricSink extends Sink {
  readonly reader: MetricReader
}

/** Metrics pushed to a guarded exporter at an interval, and once more at the end. */
export function periodicMetricSink(exporter: PushMetricExporter, { intervalMs, timeoutMs, onFailure }: MetricSinkOptions): MetricSink {
  const exportTimeoutMs = Math.min(timeoutMs, intervalMs)
  const guard = guardExports<ResourceMetrics>((metrics, done) => exporter.export(metrics, done), {
    timeoutMs: exportTimeoutMs,
    onFailure,
  })
  const reader = new PeriodicExportingMetricReader({
    exporter: {
      export: guard.export,
      forceFlush: async () => exporter.forceFlush(),
      shutdown: async () => exporter.shutdown(),
      ...(exporter.selectAggregation && { selectAggregation: exporter.selectAggregation.bind(exporter) }),
      selectAggregationTemporality: forgetUnobservedGauges(
        exporter.selectAggregationTemporality?.bind(exporter) ?? (() => AggregationTemporality.CUMULATIVE),
      ),
    },
    exportIntervalMillis: intervalMs,
    exportTimeoutMillis: exportTimeoutMs,
  })
  return {
    reader,
    flush: () => reader.forceFlush(),
    async close() {
      // The SDK would wait for an export under way before it sends the last one: both have only this deadline (I8).
      guard.release()
      await reader.shutdown()
      await guard.settled()
    },
    abort: guard.cancel,
  }
}

/** A reader of the user's. */
export function directMetricSink(reader: MetricReader): MetricSink {
  return { reader, flush: () => reader.forceFlush(), close: () => reader.shutdown(), abort: () => {} }
}
