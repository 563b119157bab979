import { embedded, GridError, type Clock, type DriverFeed, type DriverRecord, type GridBackend, type MapDriver } from '@stigmergy/grid'
import type { LifeLine } from './life-line.ts'
import type { Random } from './random.ts'

/** The memory that all processes share, as one process reaches it: late, and not at all while it is cut off. */
export interface ReachedGrid {
  readonly backend: GridBackend
  /** Cut off: its writes fail, done or not, and it hears nothing. */
  cut(): void
  /** It hears all that is there now. */
  heal(): void
}

export interface SharedGrid {
  reach(line: LifeLine): ReachedGrid
}

const MOST_DELAY_MS = 3
/** How long a write waits for an answer that does not come. */
const DEADLINE_MS = 50
/** How often a change is told twice. */
const TWICE = 0.02

export function createSharedGrid(clock: Clock, random: Random, twice: () => void): SharedGrid {
  const inner = embedded()
  const shared = { id: 'shared', session: 'shared', clock }
  return {
    reach(line) {
      let cut = false
      const reloads = new Set<() => void>()
      const late = (fn: () => void): void => void clock.setTimeout(() => line.deliver(fn), random.integer(0, MOST_DELAY_MS))

      /** A write: on its way, done, and back; or it is not known whether it is done. */
      const write = <T>(work: () => Promise<T>, heard: () => void): Promise<T> =>
        new Promise((resolve, reject) => {
          if (line.state === 'dead') return
          if (cut) {
            if (random.chance(0.5)) void work()
            clock.setTimeout(() => {
              line.deliver(() => reject(new GridError('TIMEOUT', `no answer within ${DEADLINE_MS} ms`)))
            }, DEADLINE_MS)
            return
          }
          clock.setTimeout(
            () => {
              work().then(
                (result) =>
                  late(() => {
                    // Its own change comes before the answer.
                    heard()
                    resolve(result)
                  }),
                (error: unknown) => late(() => reject(error)),
              )
            },
            random.integer(0, MOST_DELAY_MS),
          )
        })

      const backend: GridBackend = {
        name: 'shared',
        async open() {
          const driver = await inner.open(shared)
          return {
            supports: driver.supports,
            close: () => driver.close(),
            openMap(name, feed) {
              let queue: (() => void)[] = []
              const news: DriverFeed = {
                change(change) {
                  if (cut || line.state === 'dead') return
                  const tell = (): void => feed.change({ ...change, write: undefined })
                  // One delay for all that is under way: news of a map keep their order. Now and then one comes twice.
                  if (queue.length === 0) late(tellAll)
                  queue.push(tell)
                  if (random.chance(TWICE)) {
                    queue.push(tell)
                    twice()
                  }
                },
                load: (records, reason) => feed.load(records, reason),
                patch: (changes, reason) => feed.patch(changes, reason),
                ...(feed.schemaVersion === undefined ? {} : { schemaVersion: feed.schemaVersion }),
              }
              const tellAll = (): void => {
                const due = queue
                queue = []
                for (const tell of due) tell()
              }
              const map = driver.openMap(name, news)
              const reload = (): void => {
                queue = []
                const nothing = (): void => {}
                driver.openMap(name, { change: nothing, load: (records) => feed.load(records, 'reconnect'), patch: nothing }).close()
              }
              reloads.add(reload)
              return reached(
                map,
                (work) => write(work, tellAll),
                () => reloads.delete(reload),
              )
            },
          }
        },
      }
      return {
        backend,
        cut: () => (cut = true),
        heal() {
          if (!cut) return
          cut = false
          if (line.state !== 'dead') line.deliver(() => reloads.forEach((reload) => reload()))
        },
      }
    },
  }
}

function reached(map: MapDriver, write: <T>(work: () => Promise<T>) => Promise<T>, closed: () => void): MapDriver {
  return {
    commit: (one) => write(() => map.commit(one)),
    commitAll: (all) => write(() => map.commitAll(all)),
    clear: (removal) => write(() => map.clear(removal)),
    read: (key): Promise<DriverRecord | undefined> => write(() => map.read(key)),
    expired: (key, version) => map.expired(key, version),
    ageMs: () => 0,
    close() {
      closed()
      map.close()
    },
  }
}
