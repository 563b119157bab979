import type { Clock } from '../time/clock.ts'
import type { DurableGrid } from '../durable/grid/durable-grid.ts'
import { resolveEmbeddedOptions, type EmbeddedOptions, type ResolvedEmbeddedOptions } from './embedded-options.ts'
import type { CommitResult, DriverChange, DriverFeed, DriverRecord, DriverWrite, GridBackend, GridDriver, MapDriver } from '../driver.ts'

/**
 * The backend inside this process. Every operation commits synchronously inside its call, so all of them are linearizable.
 * Grids opened on the same `embedded()` object share one memory, as processes share a cluster; give them the same clock.
 */
export function embedded(): GridBackend
/**
 * The same in a directory: it outlives the process, and other processes of this machine share it. Needs the package `lmdb`.
 * Throws `StoreError` BAD_OPTION; opening it also STORE_PEER, STORE_ACCESS, STORE_BROKEN, STORE_NEWER or STORE_FULL.
 */
export function embedded(options: EmbeddedOptions): GridBackend
export function embedded(options?: EmbeddedOptions): GridBackend {
  return options === undefined ? inMemory() : durable(resolveEmbeddedOptions(options))
}

/** lmdb is loaded with the first grid, never with this package. */
function durable(options: ResolvedEmbeddedOptions): GridBackend {
  let opened: Promise<DurableGrid> | undefined
  return {
    name: 'embedded, durable',
    async open({ clock }) {
      opened ??= import('../durable/grid/durable-grid.ts').then(({ createDurableGrid }) => createDurableGrid(options))
      return (await opened).open(clock)
    },
  }
}

function inMemory(): GridBackend {
  const maps = new Map<string, SharedMap>()
  const topics = new Map<string, Set<Receive>>()
  return {
    name: 'embedded',
    open: async ({ clock }) => openDriver(maps, topics, clock),
  }
}

type Receive = (message: Uint8Array) => void

function openDriver(maps: Map<string, SharedMap>, topics: Map<string, Set<Receive>>, clock: Clock): GridDriver {
  return {
    supports: { consistency: new Set(['eventual', 'session', 'strong']), linearizable: true, atomicPutAll: true, topics: true },
    openMap(name, feed) {
      const shared = maps.get(name) ?? new SharedMap()
      maps.set(name, shared)
      return shared.open(feed, clock)
    },
    openTopic(name, receive) {
      const shared = topics.get(name) ?? new Set()
      topics.set(name, shared.add(receive))
      return {
        async publish(message) {
          for (const each of shared) each(message)
        },
        close: () => void shared.delete(receive),
      }
    },
    close: async () => {},
  }
}

interface Stored {
  readonly key: string
  readonly version: number
  /**
   * The bytes, one per character. A string takes exactly its size on the JS heap; a small byte array takes five times as
   * long to make, or is a window of a block that lives as long as its longest-lived neighbour.
   */
  readonly packed: string
  readonly atMs: number
  readonly endsAtMs: number
}

class SharedMap {
  readonly #records = new Map<string, Stored>()
  readonly #feeds = new Set<DriverFeed>()
  #version = 0
  #untold: { readonly change: DriverChange; readonly from: DriverFeed }[] = []

  open(feed: DriverFeed, clock: Clock): MapDriver {
    feed.load(this.#allPresent(clock.now()).map(toRecord))
    this.#feeds.add(feed)
    return {
      commit: async (write) => this.#commit(write, feed, clock.now()),
      commitAll: async (writes) => this.#commitAll(writes, feed, clock.now()),
      read: async (key) => toRecordIf(this.#present(key, clock.now())),
      clear: async (removal) =>
        this.#commitAll(
          this.#allPresent(clock.now()).map(({ key }) => removal(key)),
          feed,
          clock.now(),
        ),
      expired: (key, version) => this.#expired(key, version),
      ageMs: () => 0,
      close: () => void this.#feeds.delete(feed),
    }
  }

  #commit(write: DriverWrite, from: DriverFeed, nowMs: number): CommitResult {
    const current = this.#present(write.key, nowMs)
    if (write.expect !== undefined && write.expect !== (current?.version ?? 0)) return { ok: false, current: toRecordIf(current) }
    if (write.type === 'remove' && current === undefined) return { ok: false, current: undefined }
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
    if (type === 'remove') this.#records.delete(key)
    else this.#records.set(key, { key, version, packed: toText(bytes), atMs, endsAtMs: atMs + (ttlMs ?? Infinity) })
  }

  // A guest that writes while it is told must not overtake: every feed gets every change in commit order (I5).
  #tell(change: DriverChange, from: DriverFeed): void {
    this.#untold.push({ change, from })
    if (this.#untold.length > 1) return
    try {
      for (const { change: next, from: writer } of this.#untold) {
        for (const feed of this.#feeds) feed.change(feed === writer ? next : { ...next, write: undefined })
      }
    } finally {
      this.#untold = []
    }
  }

  #present(key: string, nowMs: number): Stored | undefined {
    const record = this.#records.get(key)
    return record !== undefined && record.endsAtMs > nowMs ? record : undefined
  }

  #allPresent(nowMs: number): Stored[] {
    return [...this.#records.values()].filter(({ endsAtMs }) => endsAtMs > nowMs)
  }

  #expired(key: string, version: number): void {
    if (this.#records.get(key)?.version === version) this.#records.delete(key)
  }
}

function toChange(write: DriverWrite, version: number, atMs: number): DriverChange {
  return { type: write.type, key: write.key, version, bytes: write.pack(version, atMs), atMs, write }
}

function toText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

function toRecord({ key, version, packed, atMs }: Stored): DriverRecord {
  return { key, version, bytes: Buffer.from(packed, 'latin1'), atMs }
}

function toRecordIf(stored: Stored | undefined): DriverRecord | undefined {
  return stored === undefined ? undefined : toRecord(stored)
}
