export type { LogOptions, OtlpOptions, PrometheusOptions, StartTelemetryOptions } from './options.ts'
export { startTelemetry, type Telemetry } from './start-telemetry.ts'
