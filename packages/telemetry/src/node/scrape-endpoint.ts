import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { TelemetryError } from '../errors.ts'
import { CONTENT_TYPES, type TextFormat } from '../metrics/open-metrics.ts'
import { LastScrape } from './last-scrape.ts'

/** The metrics as Prometheus reads them, at `url`. */
export interface ScrapeEndpoint {
  readonly host: string
  /** The port it listens on, also where 0 was asked for. */
  readonly port: number
  readonly url: string
  /** Waits until each Prometheus that scrapes has done so once more, at most `lastScrapeMs` from its last time on. */
  lastScrape(): Promise<void>
  close(): Promise<void>
}

const PATH = '/metrics'
const SCRAPES = 'x-prometheus-scrape-timeout-seconds'

const KEEP_ALIVE_MS = 5000

export interface ScrapeEndpointOptions {
  readonly host: string
  readonly port: number
  /** How long a scraper is waited for. Milliseconds; 0: not at all. */
  readonly lastScrapeMs: number
  /** The metrics as text. What it throws is answered with 500. */
  readonly render: (format: TextFormat) => Promise<string>
}

/**
 * Opens the endpoint: OpenMetrics with exemplars for who asks for it, as Prometheus does, else the older text format.
 * Throws `TelemetryError` PORT_IN_USE or LISTEN_FAILED; nothing is left open then.
 */
export async function openScrapeEndpoint({ host, port, lastScrapeMs, render }: ScrapeEndpointOptions): Promise<ScrapeEndpoint> {
  const scrapes = new LastScrape(lastScrapeMs, () => performance.now())
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = (request.url ?? '').split('?', 1)[0]
    if (path !== PATH) return void response.writeHead(404, TEXT).end(`Metrics are at ${PATH}\n`)
    if (request.method !== 'GET' && request.method !== 'HEAD') return void response.writeHead(405, { ...TEXT, allow: 'GET, HEAD' }).end()
    try {
      const format = wantsOpenMetrics(request.headers.accept) ? 'open-metrics' : 'prometheus'
      const { socket } = request
      const address = addressOf(socket)
      const askedAtMs = performance.now()
      const body = await render(format)
      // Said by Prometheus and what scrapes like it, not by a person who looks. It has it when all was written.
      if (request.headers[SCRAPES] !== undefined) response.once('finish', () => scrapes.answered(socket, address, askedAtMs))
      response.writeHead(200, { 'content-type': CONTENT_TYPES[format], vary: 'accept' }).end(body)
    } catch (error) {
      response.writeHead(500, TEXT).end(`Metrics could not be collected: ${String(error)}\n`)
    }
  }

  // A connection outlives the time between two scrapes: by it we know who scrapes.
  const keepAliveTimeout = lastScrapeMs + KEEP_ALIVE_MS
  const server = createServer({ keepAliveTimeout }, (request, response) => void answer(request, response))
  server.on('connection', (socket) => {
    const address = addressOf(socket)
    // Open for long, it must not keep the process alive (I8).
    socket.unref()
    socket.once('close', () => scrapes.closed(socket, address))
  })
  // Instrumentations watch the `emit` that all servers share. A scrape is part of no pipeline: past them, or each would be a trace.
  server.emit = EventEmitter.prototype.emit
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
    host,
    port: bound,
    url: `http://${shown}:${bound}${PATH}`,
    lastScrape: () => scrapes.again(),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

function addressOf(socket: Socket): string {
  return socket.remoteAddress ?? ''
}

/** Named at all, unless with weight 0: who speaks it says so, and prefers it. */
function wantsOpenMetrics(accept: string | undefined): boolean {
  return (accept ?? '').split(',').some((type) => /^\s*application\/openmetrics-text\b/.test(type) && !/;\s*q=0(\.0*)?\s*(;|$)/.test(type))
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
