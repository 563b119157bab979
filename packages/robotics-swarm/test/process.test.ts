import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { userPath } from '../src/cli/user-path.ts'
import { generateRecording } from '../src/recording/generate-recording.ts'

const test = suite('swarm as a process')
const bin = fileURLToPath(new URL('../src/bin.ts', import.meta.url))
const root = fileURLToPath(new URL('../../../', import.meta.url))

/** Starts `swarm` with these arguments. */
function start(args: readonly string[]) {
  const child = spawn(process.execPath, ['--conditions=@stigmergy/source', '--import', 'tsx', bin, ...args], { cwd: root })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  const ended = once(child, 'close').then(([code]) => ({ code: code as number, out, err }))
  return { child, ended }
}

test('--json prints one object and nothing else', async () => {
  const { code, out } = await start(['run', '--parts', '500', '--json']).ended
  assert.is(code, 0)
  assert.is(out.trimEnd().split('\n').length, 1)
  const report = JSON.parse(out) as Record<string, unknown>
  for (const key of ['robots', 'parts', 'missRate', 'loads', 'expected', 'pass', 'transitions', 'gridPuts', 'mapEvents'])
    assert.ok(key in report, key)
})

test('a port in use: one line that says which, exit code 2', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const { code, out, err } = await start(['run', '--prometheus', String(port)]).ended
  server.close()
  assert.is(code, 2)
  assert.is(out, '')
  assert.match(err, new RegExp(`^127\\.0\\.0\\.1:${port} is in use[^\\n]*\\n$`))
})

test('a recording that is not there: one line, exit code 2, no log half-written', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'swarm-process-'))
  const { code, out, err } = await start(['replay', join(dir, 'nothing'), '--log', join(dir, 'log.jsonl')]).ended
  assert.is(code, 2)
  assert.is(out, '')
  assert.match(err, /nothing: there is no such folder[^\n]*\n$/)
  assert.equal(await readdir(dir), [])
  await rm(dir, { recursive: true })
})

test('Ctrl-C ends a replay cleanly within a second and leaves nothing behind', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'swarm-process-'))
  await generateRecording(join(dir, 'recording'), { seed: 3, sessions: 2 })
  const { child, ended } = start(['replay', join(dir, 'recording'), '--speed', '1', '--log', join(dir, 'log.jsonl')])
  await once(child.stdout, 'data') // its first line of progress
  const fromMs = performance.now()
  child.kill('SIGINT')
  const { code, err } = await ended
  const tookMs = performance.now() - fromMs
  assert.is(code, 130)
  assert.match(err, /interrupted after \d+ of \d+ rows/)
  assert.ok(tookMs < 1000, `${tookMs} ms`)
  assert.equal(await readdir(dir), ['recording'])
  await rm(dir, { recursive: true })
})

test('a reader that goes away is no success: exit code 141, and no log is left half-written', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'swarm-process-'))
  await generateRecording(join(dir, 'recording'), { seed: 3, sessions: 2 })
  const { child, ended } = start(['replay', join(dir, 'recording'), '--speed', '1', '--log', join(dir, 'log.jsonl')])
  await once(child.stdout, 'data')
  child.stdout.destroy()
  const { code } = await ended
  assert.is(code, 141)
  assert.equal(await readdir(dir), ['recording'])
  await rm(dir, { recursive: true })
})

test('output that cannot be written is no success', async () => {
  const full = await open('/dev/full', 'w').catch(() => undefined)
  if (full === undefined) return // a Linux device; elsewhere there is nothing to write to that is full
  const child = spawn(process.execPath, ['--conditions=@stigmergy/source', '--import', 'tsx', bin, 'run', '--parts', '200', '--json'], {
    cwd: root,
    stdio: ['ignore', full.fd, 'pipe'],
  })
  let err = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (err += text))
  const [code] = await once(child, 'close')
  await full.close()
  assert.is(code, 1)
  assert.match(err, /standard output: ENOSPC/)
})

test('a path is taken from where the user stands, also through pnpm', () => {
  assert.is(userPath('recordings/a', { npm_lifecycle_event: 'swarm', INIT_CWD: '/somewhere/else' }), '/somewhere/else/recordings/a')
  assert.is(userPath('/data/a', { npm_lifecycle_event: 'swarm', INIT_CWD: '/somewhere/else' }), '/data/a')
  assert.is(userPath('recordings/a', { INIT_CWD: '/somewhere/else' }), 'recordings/a')
})

test.run()
