import { fields } from '../fields.ts'
import type { LogOptions, OtlpOptions, StartTelemetryOptions } from './options.ts'
import type { PrometheusOptions } from './prometheus-options.ts'
import type { ProfileOptions } from './profiling/cpu-profile.ts'
import type { ProfilingOptions } from './profiling/profile-signal.ts'

/** The names of every option, whole by type: a new one is known here or does not compile. Each throws `TelemetryError` BAD_OPTION. */
export const optionsOf = {
  startTelemetry: (given: unknown): StartTelemetryOptions =>
    fields<StartTelemetryOptions>('startTelemetry', given, {
      service: true,
      region: true,
      policyVersion: true,
      grid: true,
      system: true,
      prometheus: true,
      logs: true,
      otlp: true,
      clock: true,
      maxLabelValues: true,
      closeTimeoutMs: true,
      keep: true,
      recorder: true,
      keepPort: true,
      genAi: true,
      random: true,
      exportThread: true,
      spanExporters: true,
      spanProcessors: true,
      instrumentations: true,
      asyncContext: true,
      profiling: true,
      logExporters: true,
      metricReaders: true,
      warn: true,
    }),
  prometheus: (given: unknown): PrometheusOptions =>
    fields<PrometheusOptions>('prometheus', given, { port: true, host: true, lastScrapeMs: true }),
  otlp: (given: unknown): OtlpOptions => fields<OtlpOptions>('otlp', given, { endpoint: true, headers: true }),
  logs: (given: unknown): LogOptions => fields<LogOptions>('logs', given, { level: true, destination: true }),
  profiling: (given: unknown): ProfilingOptions =>
    fields<ProfilingOptions>('profiling', given, { signal: true, folder: true, seconds: true }),
  profile: (given: unknown): ProfileOptions => fields<ProfileOptions>('profile', given, { seconds: true, intervalUs: true, signal: true }),
} as const
