import type { Clock } from '../time/clock.ts'
import type { CommitResult, DriverChange, DriverFeed, DriverRecord, DriverWrite, MapDriver } from '../driver.ts'
import { newerSchema, quote } from '../errors.ts'
import { endsAtMs, Expiry } from '../map/expiry.ts'

interface Stored {
  readonly key: string
  readonly version: number
  /**
   * The bytes, one per character. A string takes exactly its size on the JS heap; a small byte array takes five times as
   * long to make, or is a window of a block that lives as long as its longest-lived neighbour.
   */
  readonly packed: string
  readonly acceptedAtMs: number
  readonly ttlMs: number | undefined
  /** Of its writer: who knows less leaves it untouched (I9). */
  readonly schemaVersion: number
}

/**
 * One map, for all grids on the same `embedded()` object. What has expired goes from it at that time, whoever holds a copy of it or none:
 * a process may hold only a part of the map.
 */
export class MemoryMap {
  readonly #name: string
  readonly #records = new Map<string, Stored>()
  readonly #feeds = new Set<DriverFeed>()
  #expiry: Expiry<Stored> | undefined
  #version = 0
  #untold: { readonly change: DriverChange; readonly from: DriverFeed }[] = []

  constructor(name: string) {
    this.#name = name
  }

  /** Records kept. */
  get size(): number {
    return this.#records.size
  }

  open(feed: DriverFeed, clock: Clock): MapDriver {
    if (this.#feeds.size === 0) this.#watchTime(clock)
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
      // It goes from here by itself.
      expired: () => {},
      ageMs: () => 0,
      close: () => {
        this.#feeds.delete(feed)
        if (this.#feeds.size === 0) this.#expiry?.clear()
      },
    }
  }

  #commit(write: DriverWrite, from: DriverFeed, nowMs: number): CommitResult {
    const current = this.#present(write.key, nowMs)
    if (write.expect !== undefined && write.expect !== (current?.version ?? 0)) return { ok: false, current: toRecordIf(current) }
    if (write.type === 'remove' && current === undefined) return { ok: false, current: undefined }
    this.#checkOver(current, from)
    const change = toChange(write, this.#version + 1, nowMs)
    this.#store(change, write.ttlMs, from)
    this.#tell(change, from)
    return { ok: true, version: change.version, atMs: nowMs }
  }

  #commitAll(writes: readonly DriverWrite[], from: DriverFeed, nowMs: number): void {
    const wanted = writes.filter((write) => write.type === 'put' || this.#present(write.key, nowMs) !== undefined)
    for (const { key } of wanted) this.#checkOver(this.#present(key, nowMs), from)
    // All are packed before the first is stored, and stored before the first is told: nobody can see or leave half of it.
    const changes = wanted.map((write, at) => toChange(write, this.#version + 1 + at, nowMs))
    for (const [at, change] of changes.entries()) this.#store(change, wanted[at]?.ttlMs, from)
    for (const change of changes) this.#tell(change, from)
  }

  #checkOver(current: Stored | undefined, { schemaVersion = Infinity }: DriverFeed): void {
    if (current === undefined || current.schemaVersion <= schemaVersion) return
    throw newerSchema(`${quote(current.key)} of map ${quote(this.#name)}: `, current.schemaVersion, schemaVersion)
  }

  #store({ type, key, version, bytes, atMs }: DriverChange, ttlMs: number | undefined, { schemaVersion = 1 }: DriverFeed): void {
    this.#version = version
    if (type === 'remove') return void this.#records.delete(key)
    const stored: Stored = { key, version, packed: toText(bytes), acceptedAtMs: atMs, ttlMs, schemaVersion }
    this.#records.set(key, stored)
    if (ttlMs !== undefined) this.#expiry?.add(stored)
  }

  // A timer stands only while a grid has the map open.
  #watchTime(clock: Clock): void {
    const expiry = new Expiry<Stored>({
      clock,
      isPresent: (stored) => this.#records.get(stored.key) === stored,
      presentCount: () => this.#records.size,
      onDue: ({ key }) => this.#records.delete(key),
    })
    for (const stored of this.#records.values()) if (stored.ttlMs !== undefined) expiry.add(stored)
    this.#expiry = expiry
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
    return record !== undefined && endsAtMs(record) > nowMs ? record : undefined
  }

  #allPresent(nowMs: number): Stored[] {
    return [...this.#records.values()].filter((record) => endsAtMs(record) > nowMs)
  }
}

function toChange(write: DriverWrite, version: number, atMs: number): DriverChange {
  return { type: write.type, key: write.key, version, bytes: write.pack(version, atMs), atMs, write }
}

function toText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

function toRecord({ key, version, packed, acceptedAtMs }: Stored): DriverRecord {
  return { key, version, bytes: Buffer.from(packed, 'latin1'), atMs: acceptedAtMs }
}

function toRecordIf(stored: Stored | undefined): DriverRecord | undefined {
  return stored === undefined ? undefined : toRecord(stored)
}
