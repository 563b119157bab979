import { openGrid, type Grid, type GridMap } from '@stigmergy/grid'
import { startCluster } from '@stigmergy/grid/testing'
import { Client, EvictionPolicy, InMemoryFormat } from 'hazelcast-client'
import type { Row } from '../bench.ts'
import { compare, type Contender } from '../compare.ts'
import { createRandom, partOf, type Part } from './parts.ts'
import { AS_IN_USE } from './raw-client.ts'
import { openRedis, type RedisPeer } from './redis-peer.ts'

const KEYS = 1000
const READS = 400_000
/** As often as the whole map is walked in one round. */
const WALKS = 300

interface Peekable {
  readonly value: Part
}

/** The same keys in the same random order for everybody. */
function order(seed: number): readonly string[] {
  const random = createRandom(seed)
  // The very strings that were written: comparing others would cost both sides more than the look-up.
  const keys = Array.from({ length: KEYS }, (_, i) => `p${i}`)
  return Array.from({ length: READS }, () => keys[Math.floor(random() * KEYS)] as string)
}

async function fill(grid: Grid, name: string, ttlMs?: number): Promise<GridMap<Part>> {
  const map = grid.map<Part>(name, ttlMs === undefined ? {} : { ttlMs })
  await map.putAll(Array.from({ length: KEYS }, (_, i) => [`p${i}`, partOf(i)] as const))
  return map
}

/** Nanoseconds per read of hazelcast-client's own near cache, filled before; verified if what was read adds up. */
async function clientNearCache(members: readonly string[], clusterName: string, keys: readonly string[]) {
  const client = await Client.newHazelcastClient({
    clusterName,
    network: { clusterMembers: [...members] },
    nearCaches: { near: { inMemoryFormat: InMemoryFormat.OBJECT, evictionPolicy: EvictionPolicy.NONE } },
    properties: { 'hazelcast.logging.level': 'OFF' },
  })
  const map = await client.getMap<string, Part>('near')
  await map.setAll(Array.from({ length: KEYS }, (_, i) => [`p${i}`, partOf(i)]))
  for (let i = 0; i < KEYS; i++) await map.get(`p${i}`)
  const expected = sumOf(keys)
  const contender: Contender = {
    name: 'hazelcast-near-cache',
    async round() {
      let sum = 0
      const began = performance.now()
      for (const key of keys) sum += (await map.get(key)).n
      return { cost: ((performance.now() - began) / keys.length) * 1e6, verified: sum === expected }
    },
  }
  return { contender, close: () => client.shutdown() }
}

/** The same of a Redis client that keeps what it has read. What it keeps is text, so reading a field of it means parsing. */
async function redisCache(redis: RedisPeer, keys: readonly string[]): Promise<Contender> {
  for (let i = 0; i < KEYS; i++) await redis.set(`p${i}`, JSON.stringify(partOf(i)))
  for (let i = 0; i < KEYS; i++) await redis.get(`p${i}`)
  const expected = sumOf(keys)
  return {
    name: 'redis',
    async round() {
      let sum = 0
      const began = performance.now()
      for (const key of keys) sum += (JSON.parse((await redis.get(key)) ?? '{"n":0}') as Part).n
      return { cost: ((performance.now() - began) / keys.length) * 1e6, verified: sum === expected }
    },
  }
}

function sumOf(keys: readonly string[]): number {
  return keys.reduce((sum, key) => sum + Number(key.slice(1)), 0)
}

/** Nanoseconds per read; verified if what was read adds up. */
function reads(name: string, read: (key: string) => Peekable | undefined, keys: readonly string[]): Contender {
  const expected = sumOf(keys)
  return {
    name,
    async round() {
      let sum = 0
      const began = performance.now()
      for (let i = 0; i < keys.length; i++) sum += read(keys[i] as string)?.value.n ?? 0
      const cost = ((performance.now() - began) / keys.length) * 1e6
      return { cost, verified: sum === expected }
    },
  }
}

function walk(name: string, values: () => Iterable<Peekable>): Contender {
  return {
    name,
    async round() {
      let sum = 0
      const began = performance.now()
      for (let round = 0; round < WALKS; round++) for (const { value } of values()) sum += value.n
      const cost = ((performance.now() - began) / (WALKS * KEYS)) * 1e6
      return { cost, verified: sum === (WALKS * KEYS * (KEYS - 1)) / 2 }
    },
  }
}

/** `peek` of a map without or with a time to live, against a `Map` that holds the same entries, and against the client's near cache. */
export async function localReads(subject: 'local-read' | 'local-read-ttl', rounds: number): Promise<readonly Row[]> {
  await using grid = await openGrid()
  const map = await fill(grid, 'parts', subject === 'local-read-ttl' ? 3_600_000 : undefined)
  const bare = bareMap(map)
  const keys = order(1)
  await using cluster = await startCluster({ members: 1, javaArguments: AS_IN_USE })
  const fewer = keys.slice(0, READS / 10)
  const near = await clientNearCache(cluster.addresses, cluster.clusterName, fewer)
  await using redis = await openRedis()
  try {
    const peers = [reads('Map', (key) => bare.get(key), keys), near.contender]
    if (redis !== undefined) peers.push(await redisCache(redis, fewer))
    const pairs = peers.map(({ name: peer }) => ({ subject, ours: 'peek', peer }))
    return await compare([reads('peek', (key) => map.peek(key), keys), ...peers], pairs, { rounds, unit: 'ns' })
  } finally {
    await near.close()
  }
}

/** A walk over the whole map against one over a `Map`. */
export async function iterations(rounds: number): Promise<readonly Row[]> {
  await using grid = await openGrid()
  const map = await fill(grid, 'parts')
  const bare = bareMap(map)
  return await compare(
    [walk('Map', () => bare.values()), walk('entries', () => map.entries())],
    [{ subject: 'iterate', ours: 'entries', peer: 'Map' }],
    { rounds, unit: 'ns' },
  )
}

function bareMap(map: GridMap<Part>): ReadonlyMap<string, Peekable> {
  return new Map(Array.from(map.entries(), (entry) => [entry.key, entry]))
}
