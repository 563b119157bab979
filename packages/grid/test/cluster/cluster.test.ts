import { clusterLacks, isClusterError, startCluster, type ClusterOptions, type TestCluster } from '@stigmergy/grid/testing'
import { existsSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { dirname } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { needs } from '../../../../test/runner/needs.ts'
import { startChild } from '../durable/kill-rounds.ts'

const test = suite('test cluster')
const lacking = await clusterLacks({ env: { ...process.env, HAZELCAST_ADDRESSES: undefined } })
const onCluster = needs(test, `a Hazelcast member (${lacking})`, lacking === undefined)
const env = { ...process.env, HAZELCAST_ADDRESSES: undefined }

const start = (options: ClusterOptions): Promise<TestCluster> => startCluster({ env, ...options })

async function refused(options: ClusterOptions, code: string): Promise<string> {
  try {
    await (await start(options)).stop()
  } catch (error) {
    assert.ok(isClusterError(error, code as never), String(error))
    return error.message
  }
  throw new Error(`${code} was not said`)
}

/** Signal 0 asks only whether the process is there. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

onCluster('members are killed, paused, resumed, join and come back at their address; nothing is left', async () => {
  const cluster = await start({ members: 2, maxSilenceSeconds: 5 })
  const [first, second] = cluster.members
  assert.ok(first && second)
  assert.equal(cluster.addresses, [first.address, second.address])
  assert.ok(isAlive(first.pid) && existsSync(first.logFile))
  second.pause()
  assert.is(second.state, 'paused')
  second.resume()
  assert.is(second.state, 'running')
  await second.kill()
  assert.equal([second.state, cluster.addresses], ['gone', [first.address]])
  assert.not(isAlive(second.pid))
  assert.throws(
    () => second.pause(),
    (error: unknown) => isClusterError(error, 'GONE'),
  )
  const back = await cluster.join({ address: second.address })
  assert.is(back.address, second.address)
  assert.equal(cluster.addresses, [first.address, back.address])
  await back.leave()
  assert.is(back.state, 'gone')
  first.pause()
  await cluster.stop()
  await cluster.stop()
  assert.not(isAlive(first.pid))
  assert.not(existsSync(dirname(first.logFile)))
  await cluster.join().then(
    () => assert.unreachable('joined'),
    (error: unknown) => assert.ok(isClusterError(error, 'GONE')),
  )
})

onCluster('a start that fails says why, in the words of the member', async () => {
  const paid = await refused({ members: 1, config: { persistence: { enabled: true } } }, 'START_FAILED')
  assert.match(paid, /ended before it was ready.*Enterprise/s)
  assert.match(await refused({ members: 1, timeoutMs: 1 }, 'START_TIMEOUT'), /0 of 1 members were ready after 1 ms/)
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  assert.match(await refused({ members: 1, ports: [port] }, 'PORT_TAKEN'), `port ${port} of 127.0.0.1 is taken`)
  await new Promise((resolve) => server.close(resolve))
  const controller = new AbortController()
  const starting = start({ members: 1, signal: controller.signal })
  controller.abort(new Error('enough'))
  await starting.then(
    () => assert.unreachable('started'),
    (error: unknown) => assert.is((error as Error).message, 'enough'),
  )
})

onCluster('a test that is killed with signal 9 leaves no member and no file', async () => {
  const child = startChild(new URL('leave-child.ts', import.meta.url).pathname, [])
  const line = await new Promise<string>((resolve) => child.stdout?.once('data', (text: Buffer) => resolve(text.toString())))
  const { pid, directory } = JSON.parse(line) as { pid: number; directory: string }
  assert.ok(isAlive(pid) && existsSync(directory))
  child.kill('SIGKILL')
  const deadline = performance.now() + 20_000
  while ((isAlive(pid) || existsSync(directory)) && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20))
  assert.not(isAlive(pid), 'the member lives on')
  assert.not(existsSync(directory), 'its files are left')
})

test.run()
