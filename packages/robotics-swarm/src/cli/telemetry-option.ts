import type { Grid } from '@stigmergy/grid'
import type { CliIo, OptionSpec } from '@stigmergy/grid/cli'
import type { TelemetryHooks } from '@stigmergy/telemetry'
import { SwarmError } from '../errors.ts'

export const telemetryOption: OptionSpec = {
  kind: 'number',
  placeholder: 'PORT',
  help: 'serve Prometheus metrics on 127.0.0.1:PORT while it runs',
  defaultText: 'off; OTLP is sent where OTEL_EXPORTER_OTLP_ENDPOINT is set',
}

export interface CliTelemetry {
  readonly hooks: TelemetryHooks | undefined
  close(): Promise<void>
}

/** Starts telemetry if somebody asked for it; the SDK is loaded only then. */
export async function startCliTelemetry(grid: Grid, port: number | undefined, io: CliIo): Promise<CliTelemetry> {
  const wanted = port !== undefined || io.env['OTEL_EXPORTER_OTLP_ENDPOINT'] !== undefined
  if (!wanted) return { hooks: undefined, close: async () => {} }
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= 65_535)) {
    throw new SwarmError('BAD_OPTION', `--prometheus is ${port}: give a port from 0 (any free one) to 65535`)
  }
  const { startTelemetry } = await import('@stigmergy/telemetry/node')
  const telemetry = await startTelemetry({
    service: io.env['OTEL_SERVICE_NAME'] ?? 'stigmergy-swarm',
    grid,
    clock: grid.clock,
    // A run has an end, and whoever looks at it wants every part: nothing is sampled away here.
    keep: 'all',
    ...(port === undefined ? {} : { prometheus: { port } }),
  })
  return { hooks: telemetry, close: () => telemetry.close() }
}
