import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('sdk-free')
const folder = fileURLToPath(new URL('..', import.meta.url))

/** The OpenTelemetry packages a fresh process has loaded after importing that. */
async function loadedBy(specifier: string): Promise<readonly string[]> {
  const code = `
    import { createRequire } from 'node:module'
    await import(${JSON.stringify(specifier)})
    const files = Object.keys(createRequire(process.cwd() + '/x.js').cache)
    console.log([...new Set(files.map((file) => /@opentelemetry[/\\\\]([a-z-]+)/.exec(file.replace(/.*node_modules/, ''))?.[1]).filter(Boolean))].join(' '))
  `
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=@stigmergy/source', '--import', 'tsx', '--input-type=module', '-e', code],
    { cwd: folder },
  )
  return stdout
    .trim()
    .split(' ')
    .filter((name) => name !== '')
}

test('core loads nothing of OpenTelemetry', async () => {
  assert.equal(await loadedBy('@stigmergy/core'), [])
})

test('telemetry loads its API and no SDK', async () => {
  assert.equal(await loadedBy('@stigmergy/telemetry'), ['api'])
})

test('telemetry/node loads the SDK (so this test can see one)', async () => {
  const loaded = await loadedBy('@stigmergy/telemetry/node')
  for (const name of ['sdk-trace-base', 'sdk-metrics', 'exporter-trace-otlp-proto']) assert.ok(loaded.includes(name), loaded.join(' '))
})

test.run()
