// A process of another region that Prometheus scrapes, until it is killed: region and port are its arguments.
import { startTelemetry } from '@stigmergy/telemetry/node'

const [region = '', port] = process.argv.slice(2)
await startTelemetry({ service: 'cell-8', region, otlp: false, prometheus: { port: Number(port) } })
setInterval(() => {}, 60_000)
