import { openGrid, type GridMap, type MapOptions } from '@stigmergy/grid'
import { hazelcast } from '@stigmergy/grid/hazelcast'
import { startCluster, type TestCluster } from '@stigmergy/grid/testing'
import { Client, type IMap } from 'hazelcast-client'
import { readFile } from 'node:fs/promises'
import type { Row } from '../bench.ts'
import { compare, type Contender } from '../compare.ts'
import { partOf, type Part } from './parts.ts'
import { AS_IN_USE, rawConfig } from './raw-client.ts'

const WRITES = 4000
/** Writes under way at a time, for both sides: all there are, and about one for each partition. */
const WINDOWS = [WRITES, 256] as const
/** Rounds: the members compile what they do after some thousand times only. */
const WARM_UPS = 10
const HOT_KEYS = 100
const REWRITES = 10
const TICKS = 4
/** Of the clock by which Linux counts the time of processes. */
const TICK_US = 10_000

type Put = (key: string, part: Part) => Promise<unknown>

/** As the client holds nothing of its map, and hears nothing. */
const UNHELD = "interest: 'none'"

interface Sides {
  readonly map: (name: string, options?: MapOptions<Part>) => Promise<GridMap<Part>>
  readonly client: Client
  readonly cpuUs: () => Promise<number>
}

/**
 * Microseconds per write of distinct keys against the client's own pipelined `set`: `write-1` or `write-3`, and the same with a
 * small window. Few writes under way are about one for each partition, so there is nothing to put together. That is of a map of
 * which nothing is held here, as nothing is held by the client. The rows of a `copy` are of a map that is held whole: against the same
 * sets, and against those of a client that listens to its map, as every copy has to.
 */
export function writeRows(members: number, rounds: number): Promise<readonly Row[]> {
  return withSides(members, async ({ map, client, cpuUs }) => {
    const rows: Row[] = []
    for (const window of WINDOWS) {
      const unheld = await map(`written-unheld-${window}`, { interest: 'none' })
      const unheldRaw = await client.getMap<string, unknown>(unheld.name)
      const ours = await map(`written-${window}`)
      const raw = await client.getMap<string, Part>(`written-raw-${window}`)
      const heard = await client.getMap<string, Part>(`written-heard-${window}`)
      const hearing = await hear(heard)
      const contenders = [
        pipelined(
          'grid',
          window,
          (key, part) => unheld.put(key, part),
          () => unheldRaw.size(),
        ),
        pipelined(
          'grid-copy',
          window,
          (key, part) => ours.put(key, part),
          async () => ours.size,
        ),
        pipelined(
          'hazelcast-set',
          window,
          (key, part) => raw.set(key, part),
          () => raw.size(),
        ),
        pipelined(
          'hazelcast-listener',
          window,
          (key, part) => heard.set(key, part),
          () => heard.size(),
          hearing,
        ),
      ]
      const subject = window === WRITES ? `write-${members}` : `write-${members}-window-${window}`
      const pairs = [
        { subject, ours: 'grid', peer: 'hazelcast-set', note: UNHELD },
        ...['hazelcast-set', 'hazelcast-listener'].map((peer) => ({ subject: `${subject}-copy`, ours: 'grid-copy', peer })),
      ]
      rows.push(...(await compare(contenders, pairs, { rounds, warmUps: WARM_UPS, unit: 'us', cpuUs })))
    }
    return rows
  })
}

/** Microseconds per rewrite of hot keys, ten of each in one tick, against the same sets of the client. */
export function hotRows(rounds: number): Promise<readonly Row[]> {
  return withSides(1, async ({ map, client, cpuUs }) => {
    const unheld = await map('hot-unheld', { coalesceWrites: true, interest: 'none' })
    const hot = await map('hot', { coalesceWrites: true })
    const raw = await client.getMap<string, Part>('hot-raw')
    const contenders = [
      rewriting(
        'grid',
        (key, part) => unheld.put(key, part),
        async (key) => (await unheld.get(key))?.value,
      ),
      rewriting(
        'grid-copy',
        (key, part) => hot.put(key, part),
        async (key) => hot.peek(key)?.value,
      ),
      rewriting(
        'hazelcast-set',
        (key, part) => raw.set(key, part),
        (key) => raw.get(key),
      ),
    ]
    const pairs = [
      { subject: 'write-hot', ours: 'grid', peer: 'hazelcast-set', note: UNHELD },
      { subject: 'write-hot-copy', ours: 'grid-copy', peer: 'hazelcast-set' },
    ]
    return compare(contenders, pairs, { rounds, warmUps: WARM_UPS, unit: 'us', cpuUs })
  })
}

async function withSides(members: number, measure: (sides: Sides) => Promise<readonly Row[]>): Promise<readonly Row[]> {
  await using cluster = await startCluster({ members, javaArguments: AS_IN_USE })
  const { clusterName, addresses } = cluster
  // A window of its own would make the two sides unequal; and a busy machine is no reason to give up.
  const grid = await openGrid(hazelcast({ clusterName, members: addresses, maxInFlight: WRITES, deadlineMs: 30_000 }))
  const client = await Client.newHazelcastClient(rawConfig(clusterName, addresses))
  const map: Sides['map'] = async (name, options = {}) => {
    const opened = grid.map<Part>(name, options)
    await opened.caughtUp()
    return opened
  }
  try {
    return await measure({ map, client, cpuUs: () => usedUs(cluster) })
  } finally {
    await client.shutdown()
    await grid.close()
  }
}

/** What this process and the members have used so far. */
async function usedUs({ members }: TestCluster): Promise<number> {
  const { user, system } = process.cpuUsage()
  const stats = await Promise.all(members.map(({ pid }) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')))
  const ticks = stats.map((stat) => {
    const [, fields = ''] = stat.split(') ')
    const [userTicks, systemTicks] = fields.split(' ').slice(11, 13)
    return Number(userTicks ?? 0) + Number(systemTicks ?? 0)
  })
  return user + system + TICK_US * ticks.reduce((sum, one) => sum + one, 0)
}

/** Listens to the map. The function resolves when so many more changes were heard as it was called for. */
async function hear(map: IMap<string, Part>): Promise<(count: number) => Promise<void>> {
  let [heard, wanted, wake] = [0, 0, (): void => {}]
  const count = ({ value }: { readonly value: Part }): void => {
    heard += value.n < WRITES ? 1 : 0
    if (heard >= wanted) wake()
  }
  await map.addEntryListener({ added: count, updated: count }, undefined, true)
  return (more) =>
    new Promise((resolve) => {
      wanted += more
      wake = resolve
      if (heard >= wanted) resolve()
    })
}

/** A window of writes is always under way. It ends when all are `heard`. Verified if the map then has every key. */
function pipelined(
  name: string,
  window: number,
  put: Put,
  size: () => Promise<number>,
  heard: (count: number) => Promise<void> = async () => {},
): Contender {
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
      await Promise.all([...Array.from({ length: window }, lane), heard(WRITES)])
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
