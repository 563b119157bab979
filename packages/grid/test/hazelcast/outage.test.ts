import { isGridError, openGrid, type Grid } from '@stigmergy/grid'
import { hazelcast, type HazelcastOptions } from '@stigmergy/grid/hazelcast'
import { clusterLacks, startCluster, type TestCluster } from '@stigmergy/grid/testing'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { needs } from '../../../../test/runner/needs.ts'
import { guardEvents } from '../../src/hazelcast/guard-events.ts'
import { plainClient } from './plain-client.ts'

const test = suite('hazelcast: what cannot be reached')
const lacks = await clusterLacks()
const onCluster = needs(test, lacks ?? 'a cluster', lacks === undefined)
let cluster: TestCluster
const opened: Grid[] = []

if (lacks === undefined) {
  test.before(async () => {
    cluster = await startCluster({ members: 1 })
  })
  test.after.each(async () => {
    await Promise.all(opened.splice(0).map((grid) => grid.close()))
  })
  test.after(() => cluster.stop())
}

async function open(options: HazelcastOptions = {}): Promise<Grid> {
  const grid = await openGrid(hazelcast({ clusterName: cluster.clusterName, members: cluster.addresses, ...options }))
  opened.push(grid)
  return grid
}

async function refused(call: Promise<unknown>, code: Parameters<typeof isGridError>[1], text = ''): Promise<number> {
  const startedAtMs = performance.now()
  try {
    await call
  } catch (error) {
    assert.ok(isGridError(error, code), String(error))
    assert.ok((error as Error).message.includes(text), (error as Error).message)
    return performance.now() - startedAtMs
  }
  throw new Error(`nothing was refused; ${code} was expected`)
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

onCluster('a wrong name, nobody, something else, TLS that is not there: said in words, and in time', async () => {
  const http = createHttpServer((_request, response) => response.end('hello'))
  const silent = createServer((socket) => socket.on('error', () => {}))
  const connectTimeoutMs = 700
  const tries: readonly (readonly [options: HazelcastOptions, text: string])[] = [
    [{ clusterName: 'nope' }, 'cluster "nope" at'],
    [{ clusterName: 'nope' }, 'another name'],
    [{ members: ['127.0.0.1:1'] }, 'nobody listens there'],
    [{ members: [await listen(http)] }, 'no answer of Hazelcast'],
    [{ members: [await listen(silent)] }, 'no answer of Hazelcast'],
    [{ members: ['no.such.host.invalid:5701'] }, 'there is no host of that name'],
    [{ tls: true }, 'does not answer by TLS'],
  ]
  await Promise.all(
    tries.map(async ([options, text]) => {
      const tookMs = await refused(open({ connectTimeoutMs, ...options }), 'CONNECT_FAILED', text)
      assert.ok(tookMs < 10_000, `${text}: ${tookMs} ms`)
    }),
  )
  for (const server of [http, silent]) server.close()
})

onCluster('what the manifest says was asked of the cluster', async () => {
  const grid = await open()
  assert.equal(grid.supports, {
    consistency: new Set(['eventual', 'session', 'strong']),
    linearizable: false,
    atomicPutAll: false,
    topics: true,
    server: { product: 'hazelcast', versions: ['5.7.0'], members: 1, cp: false },
  })
})

onCluster('a paused member: eventual reads go on with a growing age, the rest fails in time, and all is well after', async () => {
  const grids = await Promise.all([open(), open()])
  const [map, other] = grids.map((grid) => grid.map<number>('paused'))
  assert.ok(map !== undefined && other !== undefined)
  await map.put('k', 1)
  await other.caughtUp({ deadlineMs: 20_000 })
  const [member] = cluster.members
  member?.pause()
  const late = [map.put('k', 2), map.get('k', { consistency: 'strong' }), map.compareAndSet('k', 1, 2), grids[0]?.topic('t').publish(1)]
  const tookMs = await Promise.all(late.map((call) => refused(call as Promise<unknown>, 'TIMEOUT')))
  assert.ok(Math.max(...tookMs) < 5000, tookMs.join())
  assert.is(other.peek('k')?.value, 1)
  assert.ok(other.ageMs() > 400, `${other.ageMs()}`)
  await refused(other.get('k', { maxAgeMs: 50 }), 'TIMEOUT')
  await refused(other.caughtUp({ deadlineMs: 50 }), 'TIMEOUT')
  member?.resume()
  await other.caughtUp({ deadlineMs: 20_000 })
  assert.is(other.peek('k')?.value, 2, 'it was only late')
})

onCluster('an event that the client cannot read is told as missed, and the next one comes', async () => {
  const client = await plainClient(cluster)
  let unread = 0
  guardEvents(client, () => unread++)
  const imap = await client.getMap<string, number>('events')
  const heard: string[] = []
  // As where the id of the member is missing: the client throws while it makes the event.
  const { clusterService } = imap as unknown as { clusterService: { getMember(id: string): unknown } }
  const { getMember } = clusterService
  clusterService.getMember = () => assert.unreachable()
  await imap.addEntryListener({ added: ({ key }) => heard.push(key) }, undefined, true)
  await imap.set('a', 1)
  while (unread === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  clusterService.getMember = getMember
  await imap.set('b', 1)
  while (heard.length === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  assert.equal([unread, heard], [1, ['b']])
  await client.shutdown()
})

onCluster('a cluster that is gone and comes back: nothing is sent meanwhile, and then a resync', async () => {
  const grids = await Promise.all([open(), open()])
  const [map, other] = grids.map((grid) => grid.map<number>('gone'))
  assert.ok(map !== undefined && other !== undefined)
  const unheld = grids[0]?.map<number>('gone too', { interest: 'none' })
  assert.ok(unheld !== undefined)
  await Promise.all([map.put('k', 1), map.put('brief', 1, { ttlMs: 60_000 }), unheld.put('k', 1), unheld.put('removed', 1)])
  await unheld.remove('removed')
  await other.caughtUp({ deadlineMs: 20_000 })
  const told: string[] = []
  const reconnected = new Promise<void>((resolve) => {
    other.watch((change) => {
      told.push(change.type === 'resync' ? `resync ${change.reason} ${change.entries.size}` : change.type)
      if (told.at(-1) === 'resync reconnect 0') resolve()
    })
  })
  const [address] = cluster.addresses
  const lost = map.put('k', 2)
  await cluster.members[0]?.kill()
  await lost.catch(() => {})
  // Whichever it was, the next is refused at once: nobody is there.
  for (let tries = 0; tries < 100; tries++) {
    const tookMs = await refused(map.put('k', 3), undefined)
    if (tookMs < 20) break
  }
  await refused(map.put('k', 3), 'OFFLINE', 'nothing was sent')
  await refused(map.get('k', { consistency: 'strong' }), 'OFFLINE')
  assert.ok((other.peek('k')?.value ?? 0) >= 1)
  const before = other.ageMs()
  // A timer may be a little early.
  await refused(other.caughtUp({ deadlineMs: 102 }), 'TIMEOUT')
  assert.ok(other.ageMs() >= before + 100, 'it grows')
  await cluster.join(address === undefined ? {} : { address })
  await Promise.all([map.caughtUp({ deadlineMs: 20_000 }), other.caughtUp({ deadlineMs: 20_000 })])
  // What is known to be missing may be read before, and told as a gap of its own.
  await reconnected
  assert.is(other.size, 0, 'a cluster keeps nothing when its last member ends')
  // A session is told so, and does not step back in silence.
  const inSession = { consistency: 'session' } as const
  await refused(other.get('k', inSession), 'SESSION_LOST', 'get of "k" of map "gone"')
  await refused(unheld.get('k', inSession), 'SESSION_LOST')
  assert.equal(await Promise.all([other.get('brief', inSession), other.get('never', inSession), unheld.get('removed', inSession)]), [
    undefined,
    undefined,
    undefined,
  ])
  assert.equal(await Promise.all([other.get('k'), other.get('k', { consistency: 'strong' }), unheld.get('k')]), [
    undefined,
    undefined,
    undefined,
  ])
  assert.equal(await Promise.all([other.get('k', inSession), unheld.get('k', inSession)]), [undefined, undefined], 'it was told')
  await map.put('k', 4)
  await other.caughtUp({ deadlineMs: 20_000 })
  assert.is(other.peek('k')?.value, 4)
})

test.run()
