import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { openGrid } from '@stigmergy/grid'
import { startTelemetry } from '@stigmergy/telemetry/node'
import { operatorFiles } from '@stigmergy/telemetry/operators'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { findAlertmanager, startAlertmanager } from './components/alertmanager.ts'
import { freePort, listens, startProcess } from './components/process.ts'
import { findPrometheus, startPrometheus } from './components/prometheus.ts'
import { needs } from './runner/needs.ts'
import { EXPECTED, openFaultyCell } from './telemetry/faulty-cell.ts'

const test = suite('alerts')
const [prometheus, alertmanager] = [findPrometheus(), findAlertmanager()]
const onServers = needs(
  test,
  'Prometheus and Alertmanager (packages prometheus and prometheus-alertmanager of Debian)',
  prometheus !== undefined && alertmanager !== undefined,
)
const textOf = (path: string): string => operatorFiles().find((file) => file.path === path)!.text

/** The rules and routes that operators import, with shorter times. */
const rules = textOf('prometheus/stigmergy.rules.yml')
  .replaceAll(/\[[0-9]+m\]/g, '[2s]')
  .replaceAll('[1h]', '[1m]')
  .replaceAll(/offset [0-9]+m/g, 'offset 2s')
  .replaceAll(/telemetry_uptime_seconds < [0-9]+/g, 'telemetry_uptime_seconds < 2')
  .replaceAll(/for: [0-9]+[ms]/g, 'for: 1s')
  .replaceAll('interval: 15s', 'interval: 200ms')
  // A machine under load may miss some scrapes of 200 ms one after the other.
  .replace(/(?<=alert: AgentsSilent[^]*?for: )1s/, '6s')
const routes = (url: string): string =>
  textOf('alertmanager/routes.example.yml')
    .replaceAll('http://127.0.0.1:9099/', url)
    .replaceAll(/group_wait: [0-9]+s/g, 'group_wait: 100ms')
    .replaceAll(/group_interval: [0-9]+m/g, 'group_interval: 500ms')

interface Told {
  readonly receiver: string
  readonly alerts: readonly { readonly status: string; readonly labels: Readonly<Record<string, string>> }[]
}

async function openWebhook() {
  const told: string[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      const { receiver, alerts } = JSON.parse(body) as Told
      for (const { status, labels } of alerts) told.push(`${receiver} ${labels['alertname']} ${status}`)
      response.end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  return { told, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, [Symbol.asyncDispose]: close }
}

async function startOtherRegion(port: number) {
  const program = fileURLToPath(new URL('telemetry/other-region.ts', import.meta.url))
  const args = ['--conditions=@stigmergy/source', '--import', 'tsx', program, 'us', String(port)]
  return startProcess({ name: 'the other region', command: process.execPath, args, ready: () => listens(port) })
}

onServers(
  'none fires while all is well; each fault reaches whom it should, and is resolved after; silence only where it was not meant',
  async () => {
    await using webhook = await openWebhook()
    await using grid = await openGrid()
    await using telemetry = await startTelemetry({ service: 'cell-7', region: 'eu', grid, otlp: false, prometheus: { port: 0 } })
    await using cell = await openFaultyCell(grid, telemetry)
    const otherPort = await freePort()
    await using other = await startOtherRegion(otherPort)
    await using manager = await startAlertmanager(alertmanager as string, routes(webhook.url))
    const { host } = new URL(telemetry.prometheus!.url)
    await using server = await startPrometheus(
      prometheus as string,
      { cell: host, other: `127.0.0.1:${otherPort}` },
      { rules, alertmanager: manager.address },
    )
    const count = async (query: string): Promise<number> =>
      (await server.query<{ readonly result: readonly unknown[] }>('query', { query })).result.length
    // Well: every rule has been evaluated, over samples that there are, for longer than it takes to fire.
    await server.until(async () => {
      cell.work()
      return (await count('count_over_time(agent_stale_decisions_total[1m]) > 25')) > 0 ? true : undefined
    })
    assert.is(await count('ALERTS{alertstate="firing"}'), 0)
    assert.equal(webhook.told, [])

    const lines = (state: string): readonly string[] => Object.entries(EXPECTED).map(([alert, receiver]) => `${receiver} ${alert} ${state}`)
    const missing = (state: string): readonly string[] => lines(state).filter((line) => !webhook.told.includes(line))
    const all = async (state: string, meanwhile: () => unknown): Promise<void> => {
      const ask = async (): Promise<true | undefined> => {
        await meanwhile()
        return missing(state).length === 0 ? true : undefined
      }
      await server.until(ask, 30_000).catch((error: unknown) => {
        throw new Error(`nobody was told: ${missing(state).join(', ')}`, { cause: error })
      })
    }
    await all('firing', () => cell.fail())
    await all('resolved', () => cell.work())
    // What a page is about is no ticket as well.
    const others = webhook.told.filter((line) => !lines('firing').includes(line) && !lines('resolved').includes(line))
    assert.equal(others, [])

    // The end of this process is meant: it waits until Prometheus knows.
    await telemetry.close()
    await server.until(async () => ((await count('absent(telemetry_dropped_total{region="eu"})')) > 0 ? true : undefined))
    await other.kill()
    await server.until(async () => (webhook.told.includes('on-call AgentsSilent firing') ? true : undefined))
    const query = 'ALERTS{alertname="AgentsSilent",alertstate="firing"}'
    const { result } = await server.query<{ readonly result: readonly { readonly metric: { readonly region?: string } }[] }>('query', {
      query,
    })
    const regions = result.map(({ metric }) => metric.region ?? 'all')
    assert.ok(regions.includes('us') && !regions.includes('eu'), regions.join(', '))
  },
)

test.run()
