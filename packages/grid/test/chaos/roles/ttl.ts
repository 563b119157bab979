import type { GridMap } from '@stigmergy/grid'
import { machineNow } from '@stigmergy/grid/testing'
import type { Role } from '../plan.ts'

export interface TtlArgs {
  readonly name: string
  readonly ttlMs: number
  readonly entries: number
}

/** Times are of the machine's monotonic clock. Entries are named `key=value`. */
export interface TtlLog {
  /** When the write began, of each entry that was written here. */
  readonly written: ReadonlyMap<string, number>
  /** Of each entry that was seen here, when it was first and last seen, and when it was gone. */
  readonly seen: ReadonlyMap<string, { readonly first: number; readonly last: number; readonly gone: number | undefined }>
}

/**
 * Writes entries that live for a while, at moments spread over a second; every other one is then replaced by compare-and-set, which
 * begins a new life. Looks all the time at what it and the others wrote.
 */
export const ttl: Role<TtlArgs, TtlLog> = async (grid, { name, ttlMs, entries }, { signal, ready }) => {
  const map = grid.map<number>('lives', { ttlMs })
  await map.caughtUp({ deadlineMs: 20_000 })
  const written = new Map<string, number>()
  const seen = new Map<string, { first: number; last: number; gone: number | undefined }>()
  const writing = Array.from({ length: entries }, (_, at) => live(map, `${name}.${at}`, (at * 1000) / entries, at % 2 === 0, written))
  ready()
  while (!signal.aborted) {
    const present = new Map(Array.from(map.entries(), ({ key, value }) => [`${key}=${value}`, key]))
    const at = machineNow()
    for (const entry of present.keys()) {
      const times = seen.get(entry)
      if (times === undefined) seen.set(entry, { first: at, last: at, gone: undefined })
      else times.last = at
    }
    for (const [entry, times] of seen) if (times.gone === undefined && !present.has(entry)) times.gone = at
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await Promise.all(writing)
  return { written, seen }
}

async function live(map: GridMap<number>, key: string, delayMs: number, replace: boolean, written: Map<string, number>): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, delayMs))
  written.set(`${key}=1`, machineNow())
  const { version } = await map.put(key, 1)
  if (!replace) return
  await new Promise((resolve) => setTimeout(resolve, 100))
  const began = machineNow()
  // Where this process was slow, its entry is over by then.
  if ((await map.compareAndSet(key, version, 2)).ok) written.set(`${key}=2`, began)
}
