import type { Clock } from './clock.ts'
import type { CommitResult, DriverChange, DriverFeed, DriverRecord, DriverWrite, GridBackend, GridDriver, MapDriver } from './driver.ts'

/**
 * The backend inside this process. Every operation commits synchronously inside its call, so all of them are linearizable.
 * Grids opened on the same `embedded()` object share one memory, as processes share a cluster; give them the same clock.
 */
export function embedded(): GridBackend {
  const maps = new Map<string, SharedMap>()
  return {
    name: 'embedded',
    open: async ({ clock }) => openDriver(maps, clock),
  }
}

function openDriver(maps: Map<string, SharedMap>, clock: Clock): GridDriver {
  return {
    supports: { consistency: new Set(['eventual', 'session', 'strong']) },
    openMap(name, feed) {
      let shared = maps.get(name)
      if (shared === undefined) maps.set(name, (shared = new SharedMap()))
      return shared.open(feed, clock)
    },
    close: async () => {},
  }
}

interface StoredRecord extends DriverRecord {
  readonly endsAtMs: number
}

class SharedMap {
  readonly #records = new Map<string, StoredRecord>()
  readonly #feeds = new Set<DriverFeed>()
  #version = 0
  #untold: { readonly change: DriverChange; readonly from: DriverFeed }[] = []

  open(feed: DriverFeed, clock: Clock): MapDriver {
    feed.load([...this.#records.values()].filter((record) => record.endsAtMs > clock.now()))
    this.#feeds.add(feed)
    return {
      commit: async (write) => this.#commit(write, feed, clock.now()),
      commitAll: async (writes) => this.#commitAll(writes, feed, clock.now()),
      read: async (key) => this.#present(key, clock.now()),
      keys: async () => [...this.#records.keys()],
      expired: (key, version) => this.#expired(key, version),
      ageMs: () => 0,
      close: () => void this.#feeds.delete(feed),
    }
  }

  #commit(write: DriverWrite, from: DriverFeed, nowMs: number): CommitResult {
    const current = this.#present(write.key, nowMs)
    if (write.expect !== undefined && write.expect !== (current?.version ?? 0)) return { ok: false, current }
    if (write.type === 'remove' && current === undefined) return { ok: false, current }
    const change = toChange(write, this.#version + 1, nowMs)
    this.#store(change, write.ttlMs)
    this.#tell(change, from)
    return { ok: true, version: change.version, atMs: nowMs }
  }

  #commitAll(writes: readonly DriverWrite[], from: DriverFeed, nowMs: number): void {
    const wanted = writes.filter((write) => write.type === 'put' || this.#present(write.key, nowMs) !== undefined)
    // All are packed before the first is stored, and stored before the first is told: nobody can see or leave half of it.
    const changes = wanted.map((write, at) => toChange(write, this.#version + 1 + at, nowMs))
    for (const [at, change] of changes.entries()) this.#store(change, wanted[at]?.ttlMs)
    for (const change of changes) this.#tell(change, from)
  }

  #store({ type, key, version, bytes, atMs }: DriverChange, ttlMs: number | undefined): void {
    this.#version = version
    if (type === 'put') this.#records.set(key, { key, version, bytes, atMs, endsAtMs: atMs + (ttlMs ?? Infinity) })
    else this.#records.delete(key)
  }

  // A guest that writes while it is told must not overtake: every feed gets every change in commit order (I5).
  #tell(change: DriverChange, from: DriverFeed): void {
    this.#untold.push({ change, from })
    if (this.#untold.length > 1) return
    for (const { change: next, from: writer } of this.#untold) {
      for (const feed of this.#feeds) feed.change(feed === writer ? next : { ...next, write: undefined })
    }
    this.#untold = []
  }

  #present(key: string, nowMs: number): StoredRecord | undefined {
    const record = this.#records.get(key)
    return record !== undefined && record.endsAtMs > nowMs ? record : undefined
  }

  #expired(key: string, version: number): void {
    if (this.#records.get(key)?.version === version) this.#records.delete(key)
  }
}

function toChange(write: DriverWrite, version: number, atMs: number): DriverChange {
  const { type, key } = write
  // A small copy of its own: the packer's bytes are a window of a large block, which would live as long as they do.
  return { type, key, version, bytes: new Uint8Array(write.pack(version, atMs)), atMs, write }
}
