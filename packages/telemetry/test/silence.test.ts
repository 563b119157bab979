import { request } from 'node:http'
import { startTelemetry, type Telemetry } from '@stigmergy/telemetry/node'
import { operatorFiles } from '@stigmergy/telemetry/operators'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { needs } from '../../../test/runner/needs.ts'
import { LastScrape } from '../src/node/last-scrape.ts'
import { withEnvironment } from './support/environment.ts'
import { hasPromtool, promtoolTest, seen } from './support/promtool.ts'

const test = suite('silence')
const withPromtool = needs(test, "promtool (Debian's package prometheus)", hasPromtool)
const rulesOf = (options: object = {}): string => operatorFiles(options).find(({ path }) => path === 'prometheus/stigmergy.rules.yml')!.text

/** A process that is seen at `from` and for as many samples of 15 s as `lives`; with `says`, its last two tell that its end is meant. */
const process = (labels: string, lives: number, says: boolean, from = 0): Record<string, string> => {
  const before = from === 0 ? '' : `_x${from} `
  const values = (last: string): string => `${before}0x${lives - 3} ${last} ${last} stale`
  return { [`telemetry_dropped_total{${labels},what="span"}`]: values('0'), [`telemetry_ending{${labels}}`]: values(says ? '1' : '0') }
}
const silent = (series: Record<string, string>, at: string, labels: readonly object[]) => seen('AgentsSilent', series, at, labels)

withPromtool('promtool: an end that was meant pages nobody, a killed process does', async () => {
  const [eu, us] = ['instance="a",region="eu"', 'instance="b",region="us"']
  const [first, second] = ['instance="a",region="eu"', 'instance="b",region="eu"']
  const tests = [
    ...['4m', '70m'].map((at) => silent(process(eu, 12, true), at, [])),
    // One page, and no end of it while nobody comes back.
    silent(process(eu, 12, false), '9m', [{ region: 'eu' }]),
    silent(process(eu, 12, false), '70m', [{ region: 'eu' }]),
    // One region was shut down, the other one is lost.
    silent({ ...process(eu, 12, true), ...process(us, 12, false) }, '9m', [{ region: 'us' }]),
    silent({ ...process(eu, 12, true), ...process(us, 400, false) }, '9m', []),
    // What counts is who was there last: after a rolling update the new one is lost.
    silent({ ...process(first, 12, true), ...process(second, 20, false, 8) }, '15m', [{ region: 'eu' }]),
    // One was killed while another went on; that is shut down later.
    silent({ ...process(first, 12, false), ...process(second, 60, true) }, '25m', []),
    silent({ ...process(first, 12, false), ...process(second, 60, true) }, '10m', []),
    // Back again, and then lost.
    silent(
      {
        'telemetry_dropped_total{region="eu"}': '0x12 stale _x20 0x12 stale',
        'telemetry_ending{region="eu"}': '0x10 1x1 stale _x20 0x12 stale',
      },
      '20m',
      [{ region: 'eu' }],
    ),
    // Processes of a version that does not tell it.
    silent({ 'telemetry_dropped_total{region="eu"}': '0x12 stale' }, '9m', [{ region: 'eu' }]),
  ]
  assert.match(await promtoolTest(rulesOf(), tests), /SUCCESS/)
})

withPromtool('promtool: of two cells in one Prometheus one is shut down and the other is lost', async () => {
  const cells = { ...process('namespace="cell-7"', 12, true), ...process('namespace="cell-8"', 12, false) }
  const of = async (namespace: string, labels: readonly object[]): Promise<void> => {
    assert.match(await promtoolTest(rulesOf({ namespace }), [silent(cells, '9m', labels)]), /SUCCESS/)
  }
  await of('cell-7', [])
  await of('cell-8', [{ namespace: 'cell-8' }])
  assert.match(await promtoolTest(rulesOf(), [silent(cells, '9m', [{ namespace: 'cell-8' }])]), /SUCCESS/)
})

/** What Prometheus asks for; the address it comes from tells scrapers apart. */
function scrape({ prometheus }: Telemetry, from = '127.0.0.1'): Promise<string> {
  const headers = { 'x-prometheus-scrape-timeout-seconds': '10' }
  return new Promise((resolve, reject) => {
    request(prometheus!.url, { localAddress: from, headers }, (response) => {
      let page = ''
      response.on('data', (chunk: Buffer) => (page += chunk.toString())).on('end', () => resolve(page))
    })
      .on('error', reject)
      .end()
  })
}

test('close waits until each Prometheus has seen that the end is meant', () =>
  withEnvironment({}, async () => {
    const telemetry = await startTelemetry({ region: 'eu', prometheus: { port: 0, lastScrapeMs: 60_000 } })
    assert.match(await scrape(telemetry), /^telemetry_ending\{region="eu"\} 0$/m)
    await scrape(telemetry, '127.0.0.2')
    let closed = false
    const closing = telemetry.close().then(() => (closed = true))
    assert.match(await scrape(telemetry), /^telemetry_ending\{region="eu"\} 1$/m)
    // A person who looks is nobody to wait for, nor is one that has seen it.
    assert.is((await fetch(telemetry.prometheus!.url)).status, 200)
    await new Promise(setImmediate)
    assert.not.ok(closed)
    await scrape(telemetry, '127.0.0.2')
    await closing
  }))

test('close waits for nobody who did not scrape, or is told not to wait', () =>
  withEnvironment({}, async () => {
    const unseen = await startTelemetry({ prometheus: { port: 0, lastScrapeMs: 600_000 } })
    await fetch(unseen.prometheus!.url)
    await unseen.close()
    const hasty = await startTelemetry({ prometheus: { port: 0, lastScrapeMs: 0 } })
    await scrape(hasty)
    await hasty.close()
  }))

test('a scraper that does not come any more is waited for until it should have, and many are not all remembered', async () => {
  let now = 1000
  const clock = (): number => now
  const scrapes = new LastScrape(20, clock)
  scrapes.answered('gone', 900)
  await scrapes.again()
  scrapes.answered('late', 995)
  const asked = performance.now()
  const waiting = scrapes.again()
  now = 1020
  await waiting
  assert.ok(performance.now() - asked >= 14)
  const bounded = new LastScrape(1e6, clock)
  for (let i = 0; i < 40; i++) bounded.answered(`s${i}`, 1000)
  const last = bounded.again()
  now = 1030
  // Not one that was asked before the end was meant, however late it is told.
  for (let i = 24; i < 40; i++) bounded.answered(`s${i}`, 1019)
  for (let i = 24; i < 40; i++) bounded.answered(`s${i}`, 1025)
  await last
})

test.run()
