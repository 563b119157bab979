import type { CommitResult, DriverChange, DriverFeed, DriverRecord, DriverWrite, MapDriver } from '../../driver.ts'
import type { Environment, Table } from '../environment.ts'
import { guardedRange } from '../guarded.ts'
import type { GroupCommit } from '../group-commit.ts'
import type { RowKind } from '../row-kind.ts'
import type { ChangeLog, Logged } from './change-log.ts'
import type { MachineClock } from './machine-clock.ts'
import { floorId, mapPrefix, recordId, toRecordRow, type RecordRow } from './rows.ts'
import { StagedWrite } from './staged-write.ts'
import { MapWrite, MapWrites, NotMet, Sweep, type MapRows } from './writes.ts'

export interface SharedMapOptions {
  readonly name: string
  readonly environment: Environment
  readonly table: Table
  readonly group: GroupCommit
  readonly kind: RowKind<RecordRow>
  readonly log: ChangeLog
  readonly machine: MachineClock
  /** Local time at which the directory was opened: of a time to live from before a restart of the machine, nothing is known to be over. */
  readonly openedAtMs: number
}

const SWEPT_AT_ONCE = 100

/** One map, for all grids of this process that have it open. */
export class SharedMap implements MapRows {
  readonly name: string
  readonly machine: MachineClock
  readonly log: ChangeLog
  readonly kind: RowKind<RecordRow>
  readonly #options: SharedMapOptions
  readonly #feeds = new Set<DriverFeed>()
  readonly #garbage = new Map<string, number>()
  #version = 0

  constructor(options: SharedMapOptions) {
    this.#options = options
    this.name = options.name
    this.machine = options.machine
    this.log = options.log
    this.kind = options.kind
  }

  open(feed: DriverFeed): MapDriver {
    const { group, environment, log } = this.#options
    feed.load(this.#load())
    this.#feeds.add(feed)
    return {
      commit: async (write) => {
        environment.check()
        return this.#commit(feed, write)
      },
      commitAll: async (writes) => {
        environment.check()
        if (writes.length > 0) await group.run(new MapWrites(this, feed, writes))
      },
      read: async (key) => this.#read(key),
      clear: async (removal) => {
        environment.check()
        await group.run(new MapWrites(this, feed, removal))
      },
      stage: (write) => new StagedWrite(this, feed, write, group),
      expired: (key, version) => void this.#garbage.set(key, version),
      ageMs: (nowMs) => log.ageMs(nowMs),
      caughtUp: async () => {
        // A guest that is told and asks here is told the rest first.
        await Promise.resolve()
        environment.check()
        log.catchUp()
      },
      close: () => void this.#feeds.delete(feed),
    }
  }

  /** Changes of this map, in order. */
  tell({ row, origin }: Logged): void {
    this.#version = Math.max(this.#version, row.version)
    if (row.removed) this.#garbage.set(row.key, row.version)
    const { key, version } = row
    const change: DriverChange = {
      type: row.removed ? 'remove' : 'put',
      key,
      version,
      bytes: row.bytes ?? NOTHING,
      atMs: this.atMs(row),
      write: undefined,
    }
    for (const feed of this.#feeds) feed.change(origin?.feed === feed ? { ...change, write: origin.write } : change)
  }

  resync(): void {
    if (this.#feeds.size === 0) return
    const records = this.#load()
    for (const feed of this.#feeds) feed.load(records, 'gap')
  }

  async sweep(): Promise<void> {
    const keys = Array.from(this.#garbage).slice(0, SWEPT_AT_ONCE)
    if (keys.length === 0) return
    for (const [key] of keys) this.#garbage.delete(key)
    try {
      await this.#options.group.run(new Sweep(this, keys))
    } catch (error) {
      // Another time.
      for (const [key, row] of keys) if (!this.#garbage.has(key)) this.#garbage.set(key, row)
      throw error
    }
  }

  nextVersion(row: RecordRow | undefined): number {
    this.#version = Math.max(this.#version, row?.version ?? 0) + 1
    return this.#version
  }

  atMs({ stampMs, boot, ttlMs }: Pick<RecordRow, 'stampMs' | 'boot' | 'ttlMs'>): number {
    return this.machine.localOf(stampMs, boot, ttlMs === undefined ? -Infinity : this.#options.openedAtMs)
  }

  isPresent(row: RecordRow | undefined): boolean {
    return row !== undefined && !row.removed && (row.ttlMs === undefined || this.atMs(row) + row.ttlMs > this.machine.localNow())
  }

  ids(): readonly (readonly [id: string, key: string])[] {
    return Array.from(this.#rows(), ({ id, row }) => (this.isPresent(row) ? [[id, row.key] as const] : [])).flat()
  }

  async #commit(feed: DriverFeed, write: DriverWrite): Promise<CommitResult> {
    try {
      return await this.#options.group.run(new MapWrite(this, feed, write))
    } catch (error) {
      if (error instanceof NotMet) return { ok: false, current: this.#read(write.key) }
      throw error
    }
  }

  #read(key: string): DriverRecord | undefined {
    const { environment, table } = this.#options
    environment.check()
    const { fields } = environment.read(table, Buffer.from(recordId(this.name, key)), `${key} of map ${this.name}`)
    const row = fields && toRecordRow(fields)
    return row !== undefined && this.isPresent(row) ? this.#toRecord(row) : undefined
  }

  #toRecord(row: RecordRow): DriverRecord {
    return { key: row.key, version: row.version, bytes: row.bytes ?? NOTHING, atMs: this.atMs(row) }
  }

  /** All present records, as of one snapshot. */
  #load(): readonly DriverRecord[] {
    const { environment, table } = this.#options
    this.log.catchUp()
    const floor = environment.readNow(table, Buffer.from(floorId(this.name)), `the greatest version of map ${this.name}`).fields
    if (floor !== undefined) this.#version = Math.max(this.#version, toRecordRow(floor).version)
    const records: DriverRecord[] = []
    for (const { row } of this.#rows()) {
      this.#version = Math.max(this.#version, row.version)
      if (this.isPresent(row)) records.push(this.#toRecord(row))
      else this.#garbage.set(row.key, row.version)
    }
    return records
  }

  /** A damaged record is one key that cannot be read, not a map that cannot be opened. */
  #unpack(key: string, value: Buffer, at: Buffer): RecordRow {
    try {
      return toRecordRow(this.#options.environment.rows.read(value, key, at))
    } catch {
      return { key: key.slice(1), version: 1, removed: false, stampMs: 0, boot: '', ttlMs: undefined, schemaVersion: 0, bytes: NOTHING }
    }
  }

  *#rows(): Generator<{ readonly id: string; readonly row: RecordRow }> {
    const { table } = this.#options
    const prefix = Buffer.from(mapPrefix(this.name))
    const range = { start: prefix, end: Buffer.concat([prefix, LAST]) }
    for (const { key, value } of guardedRange(this.#options.environment, () => table.getRange(range))) {
      const id = key.toString()
      yield { id, row: this.#unpack(id.slice(prefix.length), value, key) }
    }
  }
}

const NOTHING = Buffer.alloc(0)
/** After every key: no text has this byte in UTF-8. */
const LAST = Buffer.from([0xff])
