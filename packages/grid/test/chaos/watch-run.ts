import { openGrid } from '@stigmergy/grid'
import { hazelcast } from '@stigmergy/grid/hazelcast'
import type { TestCluster } from '@stigmergy/grid/testing'
import { randomUUID } from 'node:crypto'
import { openLink, type Link } from './link.ts'
import type { ChangeWatcherLog, Skipped } from './roles/change-watcher.ts'
import type { ChangeWriterLog } from './roles/change-writer.ts'
import { startWorker } from './workers.ts'

export interface WatchRunOptions {
  readonly cluster: TestCluster
  readonly perSecond: number
  readonly keys: number
  readonly random: () => number
  /** What happens meanwhile; the run ends with it. `link` is that of one of the two watchers. */
  readonly during: (cluster: TestCluster, link: Link) => Promise<void>
}

export interface WatchVerdict {
  readonly changes: number
  readonly told: number
  readonly resyncs: number
  /** Acknowledged changes that were passed over, and the longest time until a resync said so. */
  readonly gaps: number
  readonly announcedWithinMs: number
  /** All that is wrong, in words. */
  readonly faults: readonly string[]
}

/** Two processes change a map, two others follow it by their watches alone, one over a link that may be cut. */
export async function runWatches({ cluster, perSecond, keys, random, during }: WatchRunOptions): Promise<WatchVerdict> {
  await using link = await openLink(random)
  const { clusterName, addresses: members } = cluster
  const options = { clusterName, members, prefix: `${randomUUID().slice(0, 8)}.`, sweepMs: 1000 }
  const watchers = await Promise.all(
    [undefined, link.port].map((linkPort, at) => {
      const plan = { name: `watcher ${at}`, role: 'change-watcher', args: {}, hazelcast: options }
      return startWorker<ChangeWatcherLog>(linkPort === undefined ? plan : { ...plan, linkPort })
    }),
  )
  const writers = await Promise.all(
    ['a', 'b'].map((name) => {
      const args = { name, keys: keys / 2, perSecond: perSecond / 2, unheld: name === 'b' }
      return startWorker<ChangeWriterLog>({ name, role: 'change-writer', args, hazelcast: options })
    }),
  )
  await during(cluster, link)
  const acked = new Map((await Promise.all(writers.map((writer) => writer.stop()))).flatMap((log) => [...log]))
  const logs = await Promise.all(watchers.map((watcher) => watcher.stop()))
  await using grid = await openGrid(hazelcast({ ...options, members: cluster.addresses }))
  const map = grid.map<number>('changes')
  await map.caughtUp()
  const truth = new Map(Array.from(map.entries(), ({ key, value }) => [key, value]))
  const gaps = logs.flatMap((log) => gapsOf(log, acked))
  return {
    changes: [...acked.values()].flat().length,
    told: logs.reduce((sum, { told }) => sum + told, 0),
    resyncs: logs.reduce((sum, { resyncs }) => sum + resyncs, 0),
    gaps: gaps.length,
    announcedWithinMs: Math.max(0, ...gaps.map(({ announcedMs }) => announcedMs ?? 0)),
    faults: logs.flatMap((log, at) => faultsOf(log, acked, truth).map((fault) => `watcher ${at}: ${fault}`)),
  }
}

/** Where an acknowledged change was passed over. */
function gapsOf({ skipped }: ChangeWatcherLog, acked: ChangeWriterLog): readonly Skipped[] {
  return skipped.filter(({ key, unseen }) => acked.get(key)?.some((count) => unseen.includes(count)))
}

function faultsOf(log: ChangeWatcherLog, acked: ChangeWriterLog, truth: ReadonlyMap<string, number>): readonly string[] {
  const silent = gapsOf(log, acked).filter(({ announcedMs }) => announcedMs === undefined)
  const skipped = silent.map(({ key, after, next }) => `told ${key}=${next} after ${after}, and no resync`)
  return [...log.disordered, ...skipped, ...unequal('followed', log.followed, truth), ...unequal('held', log.held, truth)]
}

function unequal(what: string, one: ReadonlyMap<string, number>, truth: ReadonlyMap<string, number>): readonly string[] {
  const keys = new Set([...one.keys(), ...truth.keys()])
  return [...keys].flatMap((key) =>
    one.get(key) === truth.get(key) ? [] : [`${what} ${key}=${one.get(key)}, the map has ${truth.get(key)}`],
  )
}

export function describeWatches({ changes, told, resyncs, gaps, announcedWithinMs }: WatchVerdict): string {
  return `${changes} changes, ${told} told, ${resyncs} resyncs; ${gaps} gaps, each announced within ${announcedWithinMs.toFixed(0)} ms`
}
