import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startTelemetry } from '@stigmergy/telemetry/node'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { needs } from '../../../test/runner/needs.ts'
import { collector } from './support/collector.ts'
import { withEnvironment } from './support/environment.ts'

const test = suite('variables of OTLP')

/** Of the system, no package. */
const OPENSSL = 'openssl'

function openssl(...args: readonly string[]): boolean {
  try {
    execFileSync(OPENSSL, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const withOpenssl = needs(test, OPENSSL, openssl('version'))

test('an export is given up after the deadline of its signal', async () => {
  const server = await collector('never')
  await withEnvironment(
    { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${server.url}/v1/traces`, OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '50' },
    async () => {
      // The close would give it up only later than the runner.
      const telemetry = await startTelemetry({ warn: () => {}, closeTimeoutMs: 600_000 })
      telemetry.startTrace('reading', {}, { debug: true })
      const held = setTimeout(() => {}, 600_000)
      await telemetry.flush()
      clearTimeout(held)
      assert.is(telemetry.tally.exportFailures.traces, 1)
      await telemetry.close()
    },
  )
  await server.close()
})

withOpenssl('a server is trusted by the certificate that the variable names, and ours is shown to it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tls-'))
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']
  assert.ok(openssl('req', '-x509', '-nodes', '-days', '2', ...kind, '-keyout', key, '-out', cert, ...subject))
  const pem = await readFile(cert)
  const posts: string[] = []
  const server: Server = createServer({ cert: pem, key: await readFile(key), ca: pem, requestCert: true, rejectUnauthorized: true })
  server.on('request', (request, response) => {
    posts.push(request.url ?? '')
    request.resume().once('end', () => response.writeHead(200).end())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: `https://127.0.0.1:${(server.address() as AddressInfo).port}` }
  const sent = async (variables: Readonly<Record<string, string>>, exportThread: boolean): Promise<number> =>
    withEnvironment({ ...endpoint, OTEL_METRICS_EXPORTER: 'none', OTEL_EXPORTER_OTLP_TIMEOUT: '2000', ...variables }, async () => {
      const telemetry = await startTelemetry({ warn: () => {}, exportThread })
      telemetry.startTrace('reading', {}, { debug: true })
      await telemetry.close()
      return telemetry.tally.exportFailures.traces
    })
  const ours = { OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: cert, OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY: key }
  assert.is(await sent({}, false), 1, 'nobody vouches for the server')
  assert.is(await sent({ ...ours, OTEL_EXPORTER_OTLP_CERTIFICATE: cert }, false), 0)
  assert.is(await sent({ ...ours, OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE: cert }, true), 0)
  assert.equal(posts, ['/v1/traces', '/v1/traces'])
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
  await rm(folder, { recursive: true })
})

test.run()
