import { CLUSTER_ERRORS, ClusterError, clusterLacks, isClusterError, startCluster, type ClusterOptions } from '@stigmergy/grid/testing'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { memberYaml } from '../../src/testing/cluster/member-config.ts'
import { readLog } from '../../src/testing/cluster/member-log.ts'
import { resolveClusterOptions } from '../../src/testing/cluster/options.ts'

const test = suite('test cluster: options')

async function refused(options: ClusterOptions, code: string, text: string): Promise<void> {
  try {
    await startCluster(options)
  } catch (error) {
    assert.ok(isClusterError(error), String(error))
    assert.is(error.code, code)
    assert.ok(error.message.includes(text), error.message)
    return
  }
  assert.unreachable(`${text} was not refused`)
}

test('bad options are refused before anything is started', async () => {
  const bad: readonly (readonly [options: object, text: string])[] = [
    [{ member: 3 }, 'startCluster has no option "member": it has members, version'],
    [{ members: 0 }, 'members is 0: give a whole number from 1 to 9'],
    [{ members: '3' }, 'members is "3"'],
    [{ version: 'latest' }, 'version is "latest"'],
    [{ clusterName: '' }, 'clusterName is ""'],
    [{ heap: '1 GB' }, 'heap is "1 GB"'],
    [{ heartbeatSeconds: 0.5 }, 'heartbeatSeconds is 0.5'],
    [{ heartbeatSeconds: 5, maxSilenceSeconds: 5 }, 'maxSilenceSeconds is 5: give more seconds than heartbeatSeconds'],
    [{ members: 3, cpMembers: 2 }, 'cpMembers is 2'],
    [{ members: 1, cpMembers: 3 }, 'cpMembers is 3'],
    [{ timeoutMs: NaN }, 'timeoutMs is NaN'],
    [{ ports: [70_000] }, 'ports is 70000'],
    [{ addresses: ['127.0.0.1'] }, 'addresses is "127.0.0.1"'],
    [{ addresses: [] }, 'addresses is []: give a list of at least one'],
    [{ addresses: '127.0.0.1:5701' }, 'addresses is "127.0.0.1:5701"'],
    [{ ports: 5701 }, 'ports is 5701: give a list'],
    [{ config: 5 }, 'config is 5: give an object'],
    [{ properties: { a: {} } }, 'properties is {"a":{}}: give texts by name'],
    [{ javaArguments: 'x' }, 'javaArguments is "x": give a list of texts'],
    [{ javaArguments: [1] }, 'javaArguments is [1]'],
    [{ signal: 5 }, 'signal is 5: give an AbortSignal'],
    [{ env: 5 }, 'env is 5'],
    [5 as never, 'options of startCluster is 5: give an object'],
    [null as never, 'options of startCluster is null'],
    [{ env: { HAZELCAST_ADDRESSES: '127.0.0.1:5701, x' } }, 'addresses is "x"'],
  ]
  for (const [options, text] of bad) await refused(options as ClusterOptions, 'BAD_OPTION', text)
})

test('what is missing is named: the jar, Java, Maven', async () => {
  const cache = await mkdtemp(join(tmpdir(), 'stigmergy-empty-'))
  const path = process.env['PATH']
  try {
    await refused(
      { env: { PATH: path, HAZELCAST_JAR: '/no/such.jar' } },
      'NO_JAR',
      'HAZELCAST_JAR is "/no/such.jar": there is no such file',
    )
    await refused({ env: { PATH: cache } }, 'NO_JAVA', 'java -version did not run')
    await refused({ env: { PATH: path, JAVA_HOME: cache } }, 'NO_JAVA', `${cache}/bin/java -version did not run`)
    // A Java that is there, and no mvn.
    await writeFile(join(cache, 'java'), '#!/bin/sh\n', { mode: 0o755 })
    const env = { PATH: cache, XDG_CACHE_HOME: join(cache, 'cache') }
    await refused({ env }, 'NO_MAVEN', 'mvn did not run')
    assert.match(String(await clusterLacks({ env })), /mvn did not run/)
    await writeFile(join(cache, 'mvn'), '#!/bin/sh\necho "no such artifact: $*"; exit 3\n', { mode: 0o755 })
    await refused({ env }, 'NO_JAR', 'ended with 3:\nno such artifact: -q -B dependency:get -Dartifact=com.hazelcast:hazelcast:5.7.0')
    // A fetch that was given up leaves no half of a jar.
    assert.equal(await readdir(join(cache, 'cache', 'stigmergy')), [])
    await writeFile(join(cache, 'cache', 'stigmergy', 'hazelcast-5.7.0.jar'), '')
    assert.is(await clusterLacks({ env }), undefined)
  } finally {
    await rm(cache, { recursive: true, force: true })
  }
})

test('a running cluster is taken by its addresses, and not touched', async () => {
  const server = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const env = { HAZELCAST_ADDRESSES: ` ${address} ` }
  const cluster = await startCluster({ env })
  assert.equal([cluster.clusterName, cluster.addresses, cluster.members], ['dev', [address], []])
  assert.is((await startCluster({ env: { ...env, HAZELCAST_CLUSTER_NAME: 'cell' } })).clusterName, 'cell')
  assert.is(await clusterLacks({ env }), undefined)
  await cluster.join().then(
    () => assert.unreachable('joined'),
    (error: unknown) => assert.ok(isClusterError(error, 'NOT_OURS')),
  )
  await cluster.stop()
  await new Promise((resolve) => server.close(resolve))
  await refused({ addresses: [address] }, 'UNREACHABLE', `nothing listens on "${address}"`)
})

test("a member's configuration: loopback, no multicast, no word home, and the user's part over ours", () => {
  const options = resolveClusterOptions({
    members: 3,
    clusterName: 'cell',
    cpMembers: 3,
    maxSilenceSeconds: 4,
    env: {},
    config: { network: { join: { multicast: { enabled: true } } }, map: { 'grid.*': { 'backup-count': 2 } } },
    properties: { 'hazelcast.partition.count': '11', 'hazelcast.heartbeat.interval.seconds': '2' },
  })
  const { hazelcast } = JSON.parse(
    memberYaml(options, { port: 15_701, publicPort: 15_701, peers: ['127.0.0.1:15701', '127.0.0.1:15702'] }),
  ) as { hazelcast: never }
  assert.equal(hazelcast, {
    'cluster-name': 'cell',
    network: {
      port: { port: 15_701, 'auto-increment': false },
      join: {
        'auto-detection': { enabled: false },
        multicast: { enabled: true },
        'tcp-ip': { enabled: true, 'connection-timeout-seconds': 2, 'member-list': ['127.0.0.1:15701', '127.0.0.1:15702'] },
      },
      interfaces: { enabled: true, interfaces: ['127.0.0.1'] },
    },
    metrics: { enabled: false },
    'cp-subsystem': { 'cp-member-count': 3 },
    properties: {
      'hazelcast.phone.home.enabled': 'false',
      'hazelcast.socket.bind.any': 'false',
      'hazelcast.shutdownhook.policy': 'GRACEFUL',
      'hazelcast.heartbeat.interval.seconds': '2',
      'hazelcast.max.no.heartbeat.seconds': '4',
      'hazelcast.operation.backup.timeout.millis': '200',
      'hazelcast.partition.count': '11',
    },
    map: { 'grid.*': { 'backup-count': 2 } },
  })
})

test('the newest whole view in a log counts, wherever the log is cut', () => {
  const log = [
    'INFO: [127.0.0.1]:1 [c] [5.7.0] \n\nMembers {size:2, ver:2} [\n\tMember [127.0.0.1]:1 - aa this\n\tMember [127.0.0.1]:2 - bb\n]\n',
    'INFO: [127.0.0.1]:1 is STARTED\nMembers {size:1, ver:3} [\n\tMember [127.0.0.1]:1 - aa this\n]\n',
  ]
  const nothing = { started: false, sees: [], cp: false, portTaken: false }
  assert.equal(readLog(log[0] as string, nothing).sees, ['127.0.0.1:1', '127.0.0.1:2'])
  for (let cut = 0; cut < log.join('').length; cut++) {
    const state = readLog(log.join(''), readLog(log.join('').slice(0, cut), nothing))
    assert.equal(state, { started: true, sees: ['127.0.0.1:1'], cp: false, portTaken: false })
  }
})

test('the document has the table of codes, word for word', async () => {
  const text = await readFile(new URL('../../../../docs/testing-on-hazelcast.md', import.meta.url), 'utf8')
  const rows = Array.from(text.matchAll(/^\| `([A-Z_]+)` \| (.*) \|$/gm), ([, code, meaning]) => [code, meaning])
  assert.equal(rows, Object.entries(CLUSTER_ERRORS))
  assert.not(isClusterError(new Error('x')))
  assert.not(isClusterError(new ClusterError('GONE', 'x'), 'NO_JAR'))
})

test.run()
