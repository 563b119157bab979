import { integer, text } from '../options.ts'
import type { Environment } from './environment.ts'
import { optionsOf } from './option-names.ts'

export interface PrometheusOptions {
  /** 0: a free one, see `telemetry.prometheus.port`. @default OTEL_EXPORTER_PROMETHEUS_PORT, else 9464 */
  readonly port?: number
  /** @default OTEL_EXPORTER_PROMETHEUS_HOST, else 127.0.0.1: this machine only */
  readonly host?: string
  /**
   * `close()` lets each Prometheus that scrapes look once more, so that it knows the end was meant, and no alert takes it for a crash
   * (`telemetry_ending`): it waits for the next scrape, at most so many milliseconds after the last one. Give more than your scrape
   * interval; 0: it does not wait. Where nobody scrapes it never does. @default 20_000
   */
  readonly lastScrapeMs?: number
}

/** Throws `TelemetryError` BAD_OPTION. Undefined: no endpoint is wanted. */
export function prometheusOf(
  given: boolean | PrometheusOptions | undefined,
  environment: Environment,
): Required<PrometheusOptions> | undefined {
  if (given === false || (given === undefined && !environment.prometheusWanted)) return undefined
  const { port, host, lastScrapeMs } = given === true || given === undefined ? {} : optionsOf.prometheus(given)
  return {
    host: text('prometheus.host', host) ?? environment.prometheusHost ?? '127.0.0.1',
    port: integer('prometheus.port', port, environment.prometheusPort, 0, 65_535),
    lastScrapeMs: integer('prometheus.lastScrapeMs', lastScrapeMs, 20_000, 0, 600_000),
  }
}
