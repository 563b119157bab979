import { isGridError, openGrid, type Grid } from '@stigmergy/grid'
import { hazelcast, type HazelcastOptions } from '@stigmergy/grid/hazelcast'
import { clusterLacks, startCluster, type TestCluster } from '@stigmergy/grid/testing'
import { Client } from 'hazelcast-client'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { needs } from '../../../../test/runner/needs.ts'
import { loadPaused, recovered } from './load-run.ts'

const test = suite('bad input on a cluster')
const lacking = await clusterLacks()
const onCluster = needs(test, `a Hazelcast cluster (${lacking})`, lacking === undefined)
let cluster: TestCluster

if (lacking === undefined) {
  test.before(async () => {
    cluster = await startCluster({ members: 1, env: { ...process.env, HAZELCAST_ADDRESSES: undefined } })
  })
  test.after(() => cluster.stop())
}

const open = (options: HazelcastOptions = {}): Promise<Grid> => {
  return openGrid(hazelcast({ clusterName: cluster.clusterName, members: cluster.addresses, deadlineMs: 5000, ...options }))
}

async function refused(work: () => Promise<unknown>, code: string, text: string): Promise<void> {
  try {
    await work()
  } catch (error) {
    assert.ok(isGridError(error), String(error))
    assert.is(error.code, code, error.message)
    assert.ok(error.message.includes(text), error.message)
    return
  }
  assert.unreachable(`${code} was not said`)
}

onCluster('values and keys that cannot be stored are refused, and nothing is lost', async () => {
  await using grid = await open()
  const map = grid.map<unknown>('values')
  const { version } = await map.put('k', 1)
  const circle: Record<string, unknown> = {}
  circle['self'] = circle
  await refused(async () => map.put('k', 'x'.repeat(10_000_000)), 'VALUE_TOO_LARGE', 'maxValueBytes is 1048576')
  await refused(async () => map.put('k', { x: NaN }), 'BAD_VALUE', 'NaN')
  await refused(async () => map.put('k', { f: () => 1 }), 'BAD_VALUE', 'function')
  await refused(async () => map.put('k', circle), 'BAD_VALUE', 'self')
  await refused(async () => map.put(7 as never, 1), 'BAD_KEY', 'key is 7')
  await refused(async () => map.compareAndSet('k', -1, 2), 'BAD_OPTION', 'expectedVersion is -1')
  const fromTheFuture = await map.compareAndSet('k', version + 1_000_000, 2)
  assert.equal([fromTheFuture.ok, (await map.get('k', { consistency: 'strong' }))?.value], [false, 1])
})

onCluster('bytes that no grid wrote are told by their key, and disturb no other', async () => {
  const client = await Client.newHazelcastClient({
    clusterName: cluster.clusterName,
    network: { clusterMembers: [...cluster.addresses] },
    properties: { 'hazelcast.logging.level': 'OFF' },
  })
  try {
    await using grid = await open()
    const map = grid.map<number>('shared')
    await map.put('ours', 1)
    const raw = await client.getMap<string, unknown>('shared')
    for (const [at, junk] of ['text', 42, { a: 1 }, Buffer.from('junk'), Buffer.alloc(0)].entries()) await raw.set(`junk-${at}`, junk)
    for (let at = 0; at < 5; at++) await refused(() => map.get(`junk-${at}`, { consistency: 'strong' }), 'BAD_ENVELOPE', `junk-${at}`)
    await map.put('ours', 2)
    await map.caughtUp()
    assert.is(map.peek('ours')?.value, 2)
  } finally {
    await client.shutdown()
  }
})

onCluster('a wrong cluster name, TLS that is not given, and what speaks no Hazelcast are said in time', async () => {
  await refused(() => open({ clusterName: 'other', connectTimeoutMs: 2000 }), 'CONNECT_FAILED', '"other"')
  await refused(() => open({ tls: true, connectTimeoutMs: 2000 }), 'CONNECT_FAILED', cluster.addresses[0] as string)
  const talks: Readonly<Record<string, (socket: Socket) => void>> = {
    'says nothing': () => {},
    'hangs up': (socket) => void socket.destroy(),
    'says something else': (socket) => void socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'.repeat(50)),
  }
  for (const [what, talk] of Object.entries(talks)) {
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      sockets.add(socket.on('error', () => {}))
      talk(socket)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
    await refused(() => open({ members: [address], connectTimeoutMs: 1500 }), 'CONNECT_FAILED', address)
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
    assert.ok(sockets.size > 0, what)
  }
})

onCluster('with the cluster paused under load, memory stays bounded, every write gets an answer, and all goes on afterwards', async () => {
  await using grid = await open({ deadlineMs: 300 })
  const map = grid.map<string>('load')
  await map.caughtUp()
  const { outcomes, unknown, grownMiB } = await loadPaused(cluster, map, (writes) => writes < 16_000)
  console.log(`${JSON.stringify(outcomes)}, ${grownMiB.toFixed(0)} MiB more`)
  assert.equal(unknown, [])
  assert.ok(grownMiB < 150, `${grownMiB} MiB`)
  await recovered(map)
  assert.is((await map.get('after'))?.value, 'all')
})

test.run()
