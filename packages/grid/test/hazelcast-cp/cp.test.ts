import { systemClock } from '@stigmergy/grid'
import { openCpAuthority } from '@stigmergy/grid/hazelcast-cp'
import { isStoreError, type StoreErrorCode } from '@stigmergy/grid/store'
import { authorityCases } from '@stigmergy/grid/store/testing'
import { clusterLacks, startCluster, type TestCluster } from '@stigmergy/grid/testing'
import type { Client } from 'hazelcast-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { needs } from '../../../../test/runner/needs.ts'
import { createCpLeases } from '../../src/hazelcast-cp/cp-leases.ts'
import { resolveCpOptions } from '../../src/hazelcast-cp/options.ts'
import { contestant, judge } from '../contest/judge.ts'
import { createBench } from '../durable/authority-bench.ts'
import { newPlace } from '../durable/places.ts'
import { pauseRounds } from '../durable/pause-rounds.ts'
import { connect } from './connect.ts'
import { cpContender } from './contender.ts'

const test = suite('leases on Hazelcast CP')
const version = '5.4.0'
const lacks = (await clusterLacks({ version })) ?? (await clusterLacks())
const onCluster = needs(test, lacks ?? 'a cluster', lacks === undefined)
let cluster: TestCluster | undefined
let client: Client | undefined

test.before(async () => {
  if (lacks !== undefined) return
  cluster = await startCluster({ members: 3, version, cpMembers: 3, heap: '192m' })
  client = await connect(cluster)
})
test.after(async () => {
  await client?.shutdown()
  await cluster?.stop()
})

async function refused(promise: Promise<unknown>, code: StoreErrorCode, text: string): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(isStoreError(error, code), `${code}, not ${String(error)}`)
  assert.match(error.message, text)
}

for (const [at, { name, run }] of authorityCases.entries()) {
  onCluster(name, async () => {
    const options = { client: client as Client, name: `case-${at}`, shards: 2, clock: systemClock() }
    const bench = createBench(async () => {
      const leases = createCpLeases(resolveCpOptions(options))
      await leases.claim()
      return leases
    })
    await run(bench)
    await bench.close()
  })
}

onCluster('all authorities of one name agree on its shards, and a closed one is closed', async () => {
  const options = { client: client as Client, name: 'agreed', shards: 3 }
  const authority = await openCpAuthority(options)
  await refused(openCpAuthority({ ...options, shards: 4 }), 'BAD_OPTION', 'shards is 4: give 3, as the other authorities of agreed have')
  await authority.close()
  await refused(authority.current('x'), 'CLOSED', 'closed')
})

onCluster('a cluster without CP says so and names what can be used', async () => {
  await using plain = await startCluster({ members: 1, heap: '192m' })
  const other = await connect(plain)
  await refused(openCpAuthority({ client: other }), 'STORE_UNSUPPORTED', 'Use the authority of openDurable')
  await other.shutdown()
})

onCluster('SIGSTOP past the lease, 10 rounds: the fence never goes back, and a stale one is never accepted', async () => {
  const place = await newPlace()
  try {
    const { fenced, commits } = await pauseRounds(cpContender(cluster as TestCluster, place.path), 10)
    assert.ok(fenced >= 5, `${fenced} writes of a stale holder were refused`)
    assert.ok(commits > 50, `${commits} commits`)
  } finally {
    await place.done()
  }
})

onCluster('leases and commits of several processes are linearizable', async () => {
  const place = await newPlace()
  const { clusterName, addresses } = cluster as TestCluster
  try {
    const found = await judge(contestant('cp', JSON.stringify({ clusterName, addresses, path: place.path }), 30))
    assert.ok(found.taken > 10 && found.refused > 0 && found.committed > 10, JSON.stringify(found))
  } finally {
    await place.done()
  }
})

onCluster('a lease outlives the death of a member', async () => {
  const authority = await openCpAuthority({ client: client as Client, name: 'survivor', tryMs: 500 })
  const lease = await authority.acquire('x', 'a', 30_000)
  await cluster?.members[0]?.kill()
  if (lease !== undefined) await authority.renew(lease)
  assert.equal(await authority.current('x'), { owner: 'a', token: 1 })
  await authority.close()
})

test('options that cannot be', async () => {
  const never = async () => Promise.reject(new Error('never'))
  const usable = { getCPSubsystem: () => ({ getAtomicReference: never, getAtomicLong: never }) }
  const bad: readonly (readonly [object, string])[] = [
    [{ client: {} }, 'a client of hazelcast-client'],
    [{ name: 'a b' }, 'name is "a b"'],
    [{ shards: 0 }, 'shards is 0'],
    [{ shards: 2000 }, 'shards is 2000'],
    [{ tryMs: 0 }, 'tryMs is 0'],
    [{ shard: 1 }, 'openCpAuthority has no option "shard"'],
  ]
  for (const [change, text] of bad) await refused(openCpAuthority({ client: usable, ...change }), 'BAD_OPTION', text)
  await refused(openCpAuthority({ client: usable }), 'STORE_FAILED', 'never')
})

test.run()
