import { openGrid } from '@stigmergy/grid'
import { hazelcast } from '@stigmergy/grid/hazelcast'
import { startCluster } from '@stigmergy/grid/testing'
import { Client } from 'hazelcast-client'
import type { Row } from '../bench.ts'
import { compare, type Contender } from '../compare.ts'
import { partOf, type Part } from './parts.ts'
import { rawConfig } from './raw-client.ts'

const WRITES = 4000
const WINDOW = 256
const HOT_KEYS = 100
const REWRITES = 10
const TICKS = 4

type Put = (key: string, part: Part) => Promise<unknown>

/** Microseconds per write of distinct keys, and per rewrite of hot ones, each against the client's own pipelined `set`. */
export async function writeRows(members: number, rounds: number): Promise<readonly Row[]> {
  await using cluster = await startCluster({ members })
  const { clusterName, addresses } = cluster
  const grid = await openGrid(hazelcast({ clusterName, members: addresses }))
  const map = grid.map<Part>('written')
  const hot = grid.map<Part>('hot', { coalesceWrites: true })
  await Promise.all([map.caughtUp(), hot.caughtUp()])
  const client = await Client.newHazelcastClient(rawConfig(clusterName, addresses))
  const raw = await client.getMap<string, Part>('written-raw')
  const rawHot = await client.getMap<string, Part>('hot-raw')
  try {
    const distinct = await compare(
      [
        pipelined(
          'grid',
          (key, part) => map.put(key, part),
          async () => map.size,
        ),
        pipelined(
          'hazelcast-set',
          (key, part) => raw.set(key, part),
          () => raw.size(),
        ),
      ],
      [{ subject: `write-${members}`, ours: 'grid', peer: 'hazelcast-set' }],
      { rounds, unit: 'us' },
    )
    const rewrites = await compare(
      [
        rewriting(
          'grid',
          (key, part) => hot.put(key, part),
          async (key) => hot.peek(key)?.value,
        ),
        rewriting(
          'hazelcast-set',
          (key, part) => rawHot.set(key, part),
          (key) => rawHot.get(key),
        ),
      ],
      [{ subject: 'write-hot', ours: 'grid', peer: 'hazelcast-set' }],
      { rounds, unit: 'us' },
    )
    return members === 1 ? [...distinct, ...rewrites] : distinct
  } finally {
    await client.shutdown()
    await grid.close()
  }
}

/** A window of writes is always under way. Verified if the map then has every key. */
function pipelined(name: string, put: Put, size: () => Promise<number>): Contender {
  return {
    name,
    async round() {
      let next = 0
      const lane = async (): Promise<void> => {
        while (next < WRITES) {
          const n = next++
          await put(`p${n}`, partOf(n))
        }
      }
      const began = performance.now()
      await Promise.all(Array.from({ length: WINDOW }, lane))
      const cost = ((performance.now() - began) / WRITES) * 1000
      return { cost, verified: (await size()) === WRITES }
    },
  }
}

/** Each tick writes each hot key several times. Verified if the last write of each is what is read. */
function rewriting(name: string, put: Put, read: (key: string) => Promise<Part | null | undefined>): Contender {
  let round = 0
  return {
    name,
    async round() {
      round += 1
      let last = 0
      const began = performance.now()
      for (let tick = 0; tick < TICKS; tick++) {
        const writes: Promise<unknown>[] = []
        for (let again = 0; again < REWRITES; again++) {
          last = (round * TICKS + tick) * REWRITES + again
          for (let key = 0; key < HOT_KEYS; key++) writes.push(put(`p${key}`, partOf(last)))
        }
        await Promise.all(writes)
      }
      const cost = ((performance.now() - began) / (TICKS * REWRITES * HOT_KEYS)) * 1000
      const found = await Promise.all(Array.from({ length: HOT_KEYS }, (_, key) => read(`p${key}`)))
      return { cost, verified: found.every((part) => part?.n === last) }
    },
  }
}
