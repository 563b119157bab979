/** A program that traces something, closes, and ends when nothing holds it. Prints how long close took and how long the end then took. */
import { startTelemetry } from '@stigmergy/telemetry/node'

const telemetry = await startTelemetry({ prometheus: { port: 0 }, keep: 'all', closeTimeoutMs: 500 })
telemetry.startTrace('s')
void telemetry.flush()
telemetry.startTrace('s')
const started = performance.now()
await telemetry.close()
const closed = performance.now()
process.once('exit', () => process.stdout.write(`${closed - started} ${performance.now() - closed}\n`))
