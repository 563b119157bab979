import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import { AggregationTemporality, MetricReader } from '@opentelemetry/sdk-metrics'
import { TelemetryError } from '../errors.ts'
import type { MetricSink } from './metric-sink.ts'
import { forgetUnobservedGauges } from './temporality.ts'

/** The metrics as Prometheus reads them, at `url`. */
export interface ScrapeEndpoint extends MetricSink {
  readonly host: string
  /** The port it listens on, also where 0 was asked for. */
  readonly port: number
  readonly url: string
}

/** Read when asked, never by itself. */
class ScrapeReader extends MetricReader {
  constructor() {
    super({ aggregationTemporalitySelector: forgetUnobservedGauges(() => AggregationTemporality.CUMULATIVE) })
  }

  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

const PATH = '/metrics'

/**
 * Opens the endpoint. A server of our own in front of the exporter's serialiser: the exporter's takes port 0 for 9464
 * and lets an error of the serialiser become an unhandled rejection.
 * Throws `TelemetryError` PORT_IN_USE or LISTEN_FAILED; nothing is left open then.
 */
export async function openScrapeEndpoint({ host, port }: { readonly host: string; readonly port: number }): Promise<ScrapeEndpoint> {
  const reader = new ScrapeReader()
  const serializer = new PrometheusSerializer(undefined, false, undefined, false, true)

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = (request.url ?? '').split('?', 1)[0]
    if (path !== PATH) return void response.writeHead(404, TEXT).end(`Metrics are at ${PATH}\n`)
    if (request.method !== 'GET' && request.method !== 'HEAD') return void response.writeHead(405, { ...TEXT, allow: 'GET, HEAD' }).end()
    try {
      const { resourceMetrics } = await reader.collect()
      const body = serializer.serialize(resourceMetrics)
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(body.endsWith('\n') ? body : `${body}\n`)
    } catch (error) {
      response.writeHead(500, TEXT).end(`Metrics could not be collected: ${String(error)}\n`)
    }
  }

  const server = createServer((request, response) => void answer(request, response))
  server.listen({ host, port })
  try {
    await once(server, 'listening')
  } catch (error) {
    throw listenError(error, host, port)
  }
  // An endpoint that is only read keeps no process alive (I8); an error after this concerns one connection only.
  server.unref()
  server.on('error', () => {})

  const bound = (server.address() as AddressInfo).port
  const shown = host.includes(':') ? `[${host}]` : host
  return {
    reader,
    host,
    port: bound,
    url: `http://${shown}:${bound}${PATH}`,
    flush: async () => {},
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
      await reader.shutdown()
    },
    abort: () => {},
  }
}

const TEXT = { 'content-type': 'text/plain; charset=utf-8' } as const

function listenError(error: unknown, host: string, port: number): TelemetryError {
  const code = (error as NodeJS.ErrnoException).code ?? String(error)
  if (code === 'EADDRINUSE') {
    return new TelemetryError('PORT_IN_USE', `${host}:${port} is in use: give another prometheus.port, or 0 for a free one`, {
      cause: error,
    })
  }
  return new TelemetryError('LISTEN_FAILED', `The metrics endpoint cannot listen on ${host}:${port} (${code})`, { cause: error })
}
