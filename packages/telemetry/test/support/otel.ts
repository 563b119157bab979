import type { Meter, Tracer } from '@opentelemetry/api'
import { AggregationTemporality, MeterProvider, MetricReader, type DataPoint, type Histogram } from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { forgetUnobservedGauges } from '../../src/node/temporality.ts'

/** A tracer whose ended spans can be looked at. */
export function memoryTracer(): { readonly tracer: Tracer; readonly spans: () => ReadableSpan[] } {
  const exporter = new InMemorySpanExporter()
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  return { tracer: provider.getTracer('test'), spans: () => exporter.getFinishedSpans() }
}

class MemoryReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

export type Points = readonly DataPoint<number | Histogram>[]

/** A meter whose metrics can be looked at. `read(name)` gives the data points of a metric, none if it has none. */
export function memoryMeter(): {
  readonly meter: Meter
  readonly read: (name: string) => Promise<Points>
  readonly close: () => Promise<void>
} {
  const reader = new MemoryReader({ aggregationTemporalitySelector: forgetUnobservedGauges(() => AggregationTemporality.CUMULATIVE) })
  const provider = new MeterProvider({ readers: [reader] })
  return {
    meter: provider.getMeter('test'),
    async read(name) {
      const { resourceMetrics } = await reader.collect()
      return resourceMetrics.scopeMetrics
        .flatMap((scope) => scope.metrics)
        .filter((metric) => metric.descriptor.name === name)
        .flatMap((metric) => metric.dataPoints as DataPoint<number | Histogram>[])
    },
    close: () => provider.shutdown(),
  }
}

/** Count and sum of a histogram's point. */
export function summary(point: DataPoint<number | Histogram> | undefined): { readonly count: number; readonly sum: number } {
  const value = point?.value as Histogram
  return { count: value.count, sum: value.sum ?? Number.NaN }
}
