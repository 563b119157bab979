import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { needs } from '../runner/needs.ts'
import { freePort, listens, startProcess } from './process.ts'
import { findVersitygw, startVersitygw } from './versitygw.ts'

const test = suite('components of tests')
const node = (code: string) => ({ name: 'the server', command: process.execPath, args: ['-e', code] })
const alive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('a server is ready when start returns, and gone when stop does', async () => {
  const port = await freePort()
  assert.not(await listens(port))
  const server = await startProcess({
    ...node(`console.log('begun'); require('net').createServer().listen(${port}, '127.0.0.1')`),
    ready: () => listens(port),
  })
  assert.ok(await listens(port))
  assert.is(await server.log(), 'begun\n')
  await server.stop()
  await server.stop()
  assert.not(alive(server.pid))
})

test('one that does not hear SIGTERM is killed, paused or not', async () => {
  const deaf = await startProcess({ ...node(`process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)`), ready: async () => true })
  deaf.signal('SIGSTOP')
  await deaf.stop()
  assert.not(alive(deaf.pid))
})

test('one that ends, is missing, or is never ready is told with what it said', async () => {
  const refused: readonly (readonly [Parameters<typeof startProcess>[0], RegExp])[] = [
    [{ ...node(`console.error('no port'); process.exit(3)`), ready: async () => false }, /the server ended with 3.*no port/s],
    [{ name: 'x', command: '/nowhere/x', args: [], ready: async () => false }, /x ended with/],
    [{ ...node(`setInterval(() => {}, 1000)`), ready: async () => false, readyMs: 300 }, /was not ready after 300 ms/],
  ]
  for (const [options, text] of refused) {
    const error = await startProcess(options).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    assert.match(String(error), text)
  }
})

needs(
  test,
  'Linux, for the death of a parent',
  process.platform === 'linux',
)('a killed parent leaves no server', async () => {
  const helper = new URL('process.ts', import.meta.url).href
  const code = `import { startProcess } from ${JSON.stringify(helper)}
    const server = await startProcess({ name: 'x', command: process.execPath, args: ['-e', 'setInterval(() => {}, 1000)'], ready: async () => true })
    console.log(server.pid)`
  const parent = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(parent.stdout, 'data')) as [Buffer]
  parent.kill('SIGKILL')
  await once(parent, 'exit')
  for (let look = 0; look < 100 && alive(Number(line)); look++) await wait(20)
  assert.not(alive(Number(line)))
})

const program = await findVersitygw()
needs(
  test,
  'Go, to build versitygw',
  program !== undefined,
)('the object store serves, and again after it was killed', async () => {
  await using server = await startVersitygw(program as string)
  const answers = async (): Promise<number> => (await fetch(`${server.endpoint}/${server.bucket}/x`)).status
  assert.is(await answers(), 403)
  await server.process.kill()
  await server.restart()
  assert.is(await answers(), 403)
})

test.run()
