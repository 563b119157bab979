import type { Change } from '@stigmergy/grid'
import { machineNow } from '@stigmergy/grid/testing'
import type { Role } from '../plan.ts'
import { REMOVE_EVERY } from './change-writer.ts'

export interface Skipped {
  readonly key: string
  readonly after: number
  readonly next: number
  /** Of the counts between them those that had not been told before: a write of unknown outcome may be made late. */
  readonly unseen: readonly number[]
  readonly at: number
  announcedMs: number | undefined
}

export interface ChangeWatcherLog {
  /** What following the changes led to, and what the map had in the end. */
  readonly followed: ReadonlyMap<string, number>
  readonly held: ReadonlyMap<string, number>
  readonly told: number
  readonly resyncs: number
  /** Changes told with a version that was not above the key's last one. */
  readonly disordered: readonly string[]
  /** Counts of a key that were passed over, and how long it took until a resync announced it; undefined: none did. */
  readonly skipped: readonly Skipped[]
}

/** Follows a map by what its watch tells, and by nothing else. */
export const changeWatcher: Role<unknown, ChangeWatcherLog> = async (grid, _args, { signal, ready }) => {
  const map = grid.map<number>('changes')
  await map.caughtUp({ deadlineMs: 20_000 })
  const followed = new Map<string, number>()
  const versions = new Map<string, number>()
  const counts = new Map<string, number>()
  const seen = new Map<string, Set<number>>()
  const disordered: string[] = []
  const skipped: Skipped[] = []
  let unannounced: Skipped[] = []
  let told = 0
  let resyncs = 0
  const order = (key: string, version: number, type: string): void => {
    const last = versions.get(key) ?? 0
    if (version <= last) disordered.push(`${type} ${key}: ${version} after ${last}`)
    versions.set(key, version)
  }
  const see = (key: string, count: number): void => {
    counts.set(key, count)
    const counted = seen.get(key)
    if (counted === undefined) seen.set(key, new Set([count]))
    else counted.add(count)
  }
  const follow = (change: Change<number>): void => {
    told += 1
    if (change.type === 'resync') {
      resyncs += 1
      for (const one of unannounced) one.announcedMs = machineNow() - one.at
      unannounced = []
      followed.clear()
      versions.clear()
      counts.clear()
      for (const { key, value, version } of change.entries.values()) {
        followed.set(key, value)
        versions.set(key, version)
        see(key, value)
      }
    } else if (change.type === 'put') {
      const { key, entry } = change
      order(key, entry.version, 'put')
      const after = counts.get(key)
      if (after !== undefined && entry.value > after + 1) {
        const between = Array.from({ length: entry.value - after - 1 }, (_, at) => after + 1 + at)
        const unseen = between.filter((count) => seen.get(key)?.has(count) !== true)
        const one: Skipped = { key, after, next: entry.value, unseen, at: machineNow(), announcedMs: undefined }
        skipped.push(one)
        unannounced.push(one)
      }
      followed.set(key, entry.value)
      see(key, entry.value)
    } else {
      order(change.key, change.version, change.type)
      followed.delete(change.key)
      // A remove is a change too, and says no count: it is the next that is one.
      see(change.key, (Math.floor((counts.get(change.key) ?? 0) / REMOVE_EVERY) + 1) * REMOVE_EVERY)
    }
  }
  map.watch(follow, { initial: true })
  ready()
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  await new Promise((resolve) => setTimeout(resolve, 3000))
  await map.caughtUp({ deadlineMs: 15_000 })
  // Told after the copy has it, within the same turn of the loop.
  await new Promise((resolve) => setImmediate(resolve))
  const held = new Map(Array.from(map.entries(), ({ key, value }) => [key, value]))
  return { followed, held, told, resyncs, disordered, skipped }
}
