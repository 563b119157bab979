import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openGrid } from '@stigmergy/grid'
import { createAlarms } from '@stigmergy/telemetry'
import { startTelemetry } from '@stigmergy/telemetry/node'
import { operatorFiles } from '@stigmergy/telemetry/operators'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { findAlertmanager, startAlertmanager } from './components/alertmanager.ts'
import { findPrometheus, startPrometheus } from './components/prometheus.ts'
import { needs } from './runner/needs.ts'

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
  .replaceAll(/for: [0-9]+[ms]/g, 'for: 1s')
  .replaceAll('interval: 15s', 'interval: 200ms')
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

onServers('none fires while all is well; a stale decision and an old map reach the webhook, and are resolved after', async () => {
  await using webhook = await openWebhook()
  await using grid = await openGrid()
  await using telemetry = await startTelemetry({ service: 'cell-7', region: 'eu', grid, otlp: false, prometheus: { port: 0 } })
  const alarms = createAlarms({ clock: grid.clock, telemetry, region: 'eu', stale: { maxAgeMs: 200 } })
  let mapAgeMs = 10
  telemetry.observeAge(() => [{ map: 'parts', ageMs: mapAgeMs }])
  let readAgeMs = 5
  const planner = { id: 'p1', type: 'planner' }
  const decide = (): void => void alarms.decided(planner, { action: 'assign', readAgesMs: [readAgeMs] })
  decide()

  await using manager = await startAlertmanager(alertmanager as string, routes(webhook.url))
  const { host } = new URL(telemetry.prometheus!.url)
  await using server = await startPrometheus(prometheus as string, { cell: host }, { rules, alertmanager: manager.address })
  const count = async (query: string): Promise<number> =>
    (await server.query<{ readonly result: readonly unknown[] }>('query', { query })).result.length
  // Well: every rule has been evaluated, over samples that there are, for longer than it takes to fire.
  await server.until(async () => ((await count('count_over_time(agent_stale_decisions_total[1m]) > 25')) > 0 ? true : undefined))
  decide()
  assert.is(await count('ALERTS'), 0)
  assert.equal(webhook.told, [])

  readAgeMs = 450
  mapAgeMs = 90
  decide()
  const has = (line: string) => async () => {
    if (readAgeMs > 200) decide()
    return webhook.told.includes(line) ? true : undefined
  }
  await server.until(has('on-call StaleWorldModel firing'))
  await server.until(has('on-call MapStale firing'))
  readAgeMs = 5
  mapAgeMs = 10
  await server.until(has('on-call StaleWorldModel resolved'))
  await server.until(has('on-call MapStale resolved'))
  assert.ok(
    webhook.told.every((line) => /StaleWorldModel|MapStale/.test(line)),
    webhook.told.join(', '),
  )
  alarms.close()
})

test.run()
