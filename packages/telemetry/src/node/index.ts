export type { LogOptions, OtlpOptions, PrometheusOptions, StartTelemetryOptions } from './options.ts'
export type { Instrumentation } from './instrumentation.ts'
export { startTelemetry, type Telemetry } from './start-telemetry.ts'
