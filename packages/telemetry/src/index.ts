export type { AgeReading } from './ages.ts'
export { ALARM_KINDS, type Alarm, type AlarmEvent, type AlarmKind } from './alarms/alarm.ts'
export { gridBaselines, memoryBaselines, type Baseline, type BaselineStore, type GridBaselinesOptions } from './alarms/baseline.ts'
export { createAlarms, type Alarms, type Decision } from './alarms/create-alarms.ts'
export type { AlarmBudget, AlarmsOptions, AlarmsTelemetry, DriftOptions, ErrorsOptions, SloOptions } from './alarms/options.ts'
export type { InfectedFailure, SpreadFailure } from './alarms/spread.ts'
export { isTelemetryError, TELEMETRY_ERRORS, TelemetryError, type TelemetryErrorCode } from './errors.ts'
export { telemetryHooks, type TelemetryHooks, type TelemetryHooksOptions } from './hooks.ts'
export { Current, type Running } from './current.ts'
export { traceFields, type LogFields } from './logs/log-fields.ts'
export type { Logger, LogMethod } from './logs/logger.ts'
export { gridKeepPort, type GridKeepPortOptions, type KeepPort } from './keep-port.ts'
export type { BaseLabels } from './labels.ts'
export type { Exemplar } from './metrics/bound.ts'
export type { BoundCounter, BoundHistogram, Instrument, Instruments } from './metrics/instruments.ts'
export { metricsText, type ExemplarLabels, type TextFormat } from './metrics/open-metrics.ts'
export {
  createRegistry,
  type HistogramPoint,
  type MetricFamily,
  type NumberPoint,
  type Registry,
  type RegistryOptions,
} from './metrics/registry.ts'
export { BUCKETS_SECONDS, METRICS, type Metric, type MetricName } from './metrics/table.ts'
export type { CountedName, ObservedName } from './metrics/told.ts'
export { ATTRIBUTES, GEN_AI_ATTRIBUTES, SPANS, type AttributeName } from './names.ts'
export type { StartTraceOptions } from './start-trace.ts'
export type { Reading } from './telling.ts'
export type { WatchedReader, WatchedSystem } from './telemetry-metrics.ts'
export type { Tally } from './tally.ts'
export type { Flight } from './recorder/flight.ts'
export { KEEP_REASONS, type KeepReason } from './recorder/keep-rules.ts'
export type { KeepDecision } from './recorder/keeper.ts'
export type { SliceReceipt } from './recorder/slices.ts'
export type { KeepOptions, RecorderOptions } from './recorder/options.ts'
export { readFlight, type FlightReader, type FlightRecord, type RecorderMemory, type RecordKind } from './recorder/read.ts'
