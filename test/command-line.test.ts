import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { needs } from './runner/needs.ts'

const root = join(import.meta.dirname, '..')
const pnpm = process.env['npm_execpath'] ?? ''

interface Ended {
  readonly code: number | string
  readonly output: string
  readonly errors: string
}

const runScript = (args: readonly string[]): Promise<Ended> =>
  new Promise((done) => {
    execFile(process.execPath, [pnpm, ...args], { cwd: root }, (error, output, errors) =>
      done({ code: error ? (error.signal ?? error.code ?? 'unknown') : 0, output, errors }),
    )
  })

const test = suite('command line')
const underPnpm = needs(test, 'to be started by pnpm', /pnpm[^/\\]*$/.test(pnpm))

underPnpm('standard output holds what the program says, and nothing of pnpm', async () => {
  const { code, output } = await runScript([
    'swarm',
    'run',
    '--robots',
    '2',
    '--offered-load',
    '1',
    '--parts',
    '2000',
    '--seed',
    '1',
    '--json',
  ])
  assert.is(code, 0)
  assert.is((JSON.parse(output) as { parts: number }).parts, 2000)
})

underPnpm('the exit code of the program comes through, with its one line and nothing of pnpm', async () => {
  const { code, output, errors } = await runScript(['swarm', 'replay', join(root, 'nowhere')])
  assert.is(code, 2)
  assert.is(output, '')
  assert.match(errors, /nowhere/)
  assert.not.match(errors, /ELIFECYCLE/)
})

underPnpm('stigmergy, started from the root, tells a typo in one line', async () => {
  const { code, output, errors } = await runScript(['stigmergy', 'grid', 'inspekt'])
  assert.equal([code, output], [2, ''])
  assert.is(errors, "stigmergy grid: unknown command 'inspekt': did you mean inspect? (see: stigmergy grid --help)\n")
})

test.run()
