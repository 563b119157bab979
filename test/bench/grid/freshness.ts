import { openGrid } from '@stigmergy/grid'
import { hazelcast } from '@stigmergy/grid/hazelcast'
import { machineNow, startCluster } from '@stigmergy/grid/testing'
import { Client } from 'hazelcast-client'
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Row } from '../bench.ts'
import { compare, median, type Contender } from '../compare.ts'
import { CHANNEL, type Stamped } from './stamped.ts'
import { partOf } from './parts.ts'
import { AS_IN_USE, rawConfig } from './raw-client.ts'
import { openRedis, type RedisPeer } from './redis-peer.ts'

const READER = fileURLToPath(new URL('freshness-reader.ts', import.meta.url))
const WRITES = 200
const EVERY_MS = 5
const KEYS = 50
const HEAR_MS = 2000

/** From a write in one process until another process is told: median of 200 writes at 200/s, in microseconds. */
export async function freshness(members: number, rounds: number): Promise<readonly Row[]> {
  await using cluster = await startCluster({ members, javaArguments: AS_IN_USE })
  const { clusterName, addresses } = cluster
  await using redis = await openRedis()
  const args = [redis?.url ?? '', clusterName, ...addresses]
  const reader = fork(READER, args, { execArgv: ['--import', 'tsx'], serialization: 'advanced' })
  await once(reader, 'message')
  const grid = await openGrid(hazelcast({ clusterName, members: addresses }))
  const map = grid.map<Stamped>('fresh')
  await map.caughtUp()
  const client = await Client.newHazelcastClient(rawConfig(clusterName, addresses))
  const raw = await client.getMap<string, Stamped>('fresh-raw')
  try {
    const contenders = [
      round('grid', reader, (key, part) => map.put(key, part)),
      round('hazelcast-listener', reader, (key, part) => raw.set(key, part)),
      ...(redis === undefined ? [] : [round('redis', reader, (key, part) => publish(redis, key, part))]),
    ]
    const pairs = contenders.slice(1).map(({ name: peer }) => ({ subject: `freshness-${members}`, ours: 'grid', peer }))
    return await compare(contenders, pairs, { rounds, unit: 'us' })
  } finally {
    reader.disconnect()
    await client.shutdown()
    await grid.close()
  }
}

/** Redis tells by a channel: the value is kept, and told to whoever listens. */
function publish(redis: RedisPeer, key: string, part: Stamped): Promise<unknown> {
  const text = JSON.stringify(part)
  return Promise.all([redis.set(key, text), redis.publish(CHANNEL, text)])
}

function round(name: string, reader: ChildProcess, write: (key: string, part: Stamped) => Promise<unknown>): Contender {
  return {
    name,
    async round() {
      const writes: Promise<unknown>[] = []
      for (let n = 0; n < WRITES; n++) {
        writes.push(write(`p${n % KEYS}`, { ...partOf(n), at: machineNow() }))
        await wait(EVERY_MS)
      }
      await Promise.all(writes)
      const latencies: number[] = []
      for (const until = performance.now() + HEAR_MS; latencies.length < WRITES && performance.now() < until; await wait(10)) {
        reader.send('collect')
        latencies.push(...((await once(reader, 'message'))[0] as number[]))
      }
      return { cost: 1000 * median(latencies), verified: latencies.length === WRITES }
    },
  }
}
