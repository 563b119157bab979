import type { TestCluster } from '@stigmergy/grid/testing'
import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { TtlLog } from './roles/ttl.ts'
import { startWorker } from './workers.ts'

export interface TtlVerdict {
  readonly observed: number
  /** Shortest and longest time from the beginning of a write until its entry was gone. */
  readonly shortestMs: number
  readonly longestMs: number
  readonly faults: readonly string[]
}

/** How much later than its time an entry may be shown. */
const LATE_MS = 60

/** Three processes, the wall clocks of two of which are wrong, write entries with a time to live and look at each other's. */
export async function runTtl(cluster: TestCluster, ttlMs: number, entries: number): Promise<TtlVerdict> {
  const hazelcast = { clusterName: cluster.clusterName, members: cluster.addresses, prefix: `${randomUUID().slice(0, 8)}.` }
  const workers = await Promise.all(
    [0, 70_000, -70_000].map((wallOffsetMs, at) => {
      const name = `t${at}`
      return startWorker<TtlLog>({ name, role: 'ttl', args: { name, ttlMs, entries }, hazelcast, wallOffsetMs })
    }),
  )
  await wait(1000 + 3 * ttlMs)
  return judgeTtl(await Promise.all(workers.map((worker) => worker.stop())), ttlMs)
}

function judgeTtl(logs: readonly TtlLog[], ttlMs: number): TtlVerdict {
  const written = new Map(logs.flatMap((log) => [...log.written]))
  const lives: number[] = []
  const faults: string[] = []
  for (const [at, { seen }] of logs.entries()) {
    for (const [entry, { first, last, gone }] of seen) {
      const began = written.get(entry)
      // What was replaced while it lived ends earlier.
      const replaced = entry.endsWith('=1') && written.has(entry.replace('=1', '=2'))
      if (began === undefined || replaced) continue
      if (last - first > ttlMs + LATE_MS) faults.push(`process ${at}: ${entry} was still seen ${last - first} ms after it came`)
      // One that came late may live on when all is over.
      if (gone === undefined) continue
      lives.push(gone - began)
      if (gone - began < ttlMs) faults.push(`process ${at}: ${entry} was gone after ${gone - began} ms`)
    }
  }
  return { observed: lives.length, shortestMs: Math.min(...lives), longestMs: Math.max(...lives), faults }
}
