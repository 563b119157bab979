import { AggregationTemporality, InstrumentType, type AggregationTemporalitySelector } from '@opentelemetry/sdk-metrics'

/**
 * What was not observed is not reported. With `CUMULATIVE` the SDK repeats the last value of a gauge for ever: a stopped agent would
 * look like one whose world model stands still. For a gauge the temporality changes nothing else, and no exporter writes it.
 */
export function forgetUnobservedGauges(select: AggregationTemporalitySelector): AggregationTemporalitySelector {
  return (type) => (type === InstrumentType.OBSERVABLE_GAUGE ? AggregationTemporality.DELTA : select(type))
}
