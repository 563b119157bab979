import type { DriverFeed, GridBackend, MapDriver } from '@stigmergy/grid'

/**
 * The backend with a wire in between, as far as the layers above can tell: every operation takes a while, and every change,
 * this process's own included, comes back as bytes only.
 */
export function remote(inner: GridBackend): GridBackend {
  return {
    name: `remote ${inner.name}`,
    async open(context) {
      const driver = await inner.open(context)
      return {
        ...driver,
        openMap: (name, feed) => {
          const bytesOnly: DriverFeed = {
            change: (change) => feed.change({ ...change, write: undefined }),
            load: (records, reason) => feed.load(records, reason),
            patch: (changes, reason) => feed.patch(changes, reason),
            ...(feed.schemaVersion === undefined ? {} : { schemaVersion: feed.schemaVersion }),
          }
          return delayed(driver.openMap(name, bytesOnly))
        },
      }
    },
  }
}

function delayed(map: MapDriver): MapDriver {
  const later = async <T>(operate: () => Promise<T>): Promise<T> => {
    await Promise.resolve()
    return operate()
  }
  return {
    commit: (write) => later(() => map.commit(write)),
    commitAll: (writes) => later(() => map.commitAll(writes)),
    clear: (removal) => later(() => map.clear(removal)),
    read: (key, shown) => later(() => map.read(key, shown)),
    expired: (key, version) => map.expired(key, version),
    ageMs: (nowMs) => map.ageMs(nowMs),
    ...(map.caughtUp === undefined ? {} : { caughtUp: (signal) => later(() => map.caughtUp?.(signal) as Promise<void>) }),
    close: () => map.close(),
  }
}
