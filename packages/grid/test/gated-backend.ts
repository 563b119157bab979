import type { DriverFeed, GridBackend, ResyncChange } from '@stigmergy/grid'

/** A backend whose answers and news can be held back, and let go one after the other. */
export interface GatedBackend extends GridBackend {
  /** Hold the commits, the reads, the changes fed from now on? */
  readonly hold: { commits: boolean; reads: boolean; news: boolean }
  /** What the replica age is said to be. */
  ageMs: number
  /** Operations held back, not begun at the backend (commits) or not answered yet (reads). */
  readonly held: (() => void)[]
  readonly news: (() => void)[]
  /** Each loads its map again, as after a lost line. */
  readonly reloads: ((reason: ResyncChange<unknown>['reason']) => void)[]
}

/** Grids opened on it share the memory of `inner`; each gate holds for its own grids only. */
export function gated(inner: GridBackend): GatedBackend {
  const held: (() => void)[] = []
  const news: (() => void)[] = []
  const reloads: GatedBackend['reloads'] = []
  const hold = { commits: false, reads: false, news: false }
  const gate = (): Promise<void> => new Promise((resolve) => held.push(resolve))
  const gates: GatedBackend = { name: `gated ${inner.name}`, hold, held, news, reloads, ageMs: 0, open }
  async function open(context: Parameters<GridBackend['open']>[0]): ReturnType<GridBackend['open']> {
    const driver = await inner.open(context)
    let closed = false
    return {
      supports: driver.supports,
      close: () => {
        closed = true
        return driver.close()
      },
      openMap(name, feed) {
        reloads.push((reason) =>
          driver.openMap(name, { change: () => {}, load: (records) => feed.load(records, reason), patch: () => {} }).close(),
        )
        const late: DriverFeed = {
          change: (change) => {
            const tell = (): void => feed.change({ ...change, write: undefined })
            if (hold.news) news.push(tell)
            else tell()
          },
          load: (records, reason) => feed.load(records, reason),
          patch: (changes, reason) => feed.patch(changes, reason),
          ...(feed.schemaVersion === undefined ? {} : { schemaVersion: feed.schemaVersion }),
        }
        const map = driver.openMap(name, late)
        return {
          async commit(write) {
            if (closed) throw new Error('the line was closed')
            if (hold.commits) await gate()
            return map.commit(write)
          },
          async commitAll(writes) {
            if (hold.commits) await gate()
            return map.commitAll(writes)
          },
          async read(key, shown) {
            const record = await map.read(key, shown)
            if (hold.reads) await gate()
            return record
          },
          async clear(removal) {
            if (hold.commits) await gate()
            return map.clear(removal)
          },
          expired: (key, version) => map.expired(key, version),
          ageMs: () => gates.ageMs,
          close: () => map.close(),
        }
      },
    }
  }
  return gates
}

/** Lets go all that was held back, in order. */
export function release(held: (() => void)[]): void {
  for (const go of held.splice(0)) go()
}
