import type { CommitResult, DriverFeed, DriverWrite } from '../../driver.ts'
import { newerSchema, quote } from '../../errors.ts'
import { GroupWrite, MANY } from '../group-write.ts'
import type { RowKind } from '../row-kind.ts'
import type { ChangeLog } from './change-log.ts'
import type { MachineClock } from './machine-clock.ts'
import { floorId, recordId, type LogRow, type RecordRow } from './rows.ts'

/** What the writes of one map share. */
export interface MapRows {
  readonly name: string
  readonly machine: MachineClock
  readonly log: ChangeLog
  readonly kind: RowKind<RecordRow>
  /** A version greater than all of this map that this process knows of, and than that of the row. */
  nextVersion(row: RecordRow | undefined): number
  /** The local time of a row's commit. */
  atMs(row: RecordRow): number
  isPresent(row: RecordRow | undefined): boolean
  /** Ids of all records there are. */
  ids(): readonly (readonly [id: string, key: string])[]
}

/** Not what was expected, or nothing to remove: nothing was written. */
export class NotMet extends Error {}

type Rows = readonly (RecordRow | undefined)[]

export interface Made {
  readonly row: RecordRow
  readonly write: DriverWrite
  readonly atMs: number
  readonly told: Uint8Array
}

/** What becomes of the row, or undefined: nothing is to be done. */
export function make(map: MapRows, { schemaVersion }: DriverFeed, write: DriverWrite, row: RecordRow | undefined): Made | undefined {
  const present = map.isPresent(row)
  if (write.type === 'remove' && !present) return undefined
  if (present && row !== undefined && row.schemaVersion > (schemaVersion ?? Infinity)) {
    throw newerSchema(`${quote(row.key)} of map ${quote(map.name)}: `, row.schemaVersion, schemaVersion ?? Infinity)
  }
  const { key, type } = write
  const stampMs = map.machine.now()
  const removed = type === 'remove'
  const version = map.nextVersion(row)
  const schema = removed ? 0 : (schemaVersion ?? 1)
  const unpacked = { key, version, removed, stampMs, boot: map.machine.boot, ttlMs: write.ttlMs, schemaVersion: schema, bytes: undefined }
  const atMs = map.atMs(unpacked)
  const told = write.pack(version, atMs)
  return { row: { ...unpacked, bytes: removed ? undefined : told }, write, atMs, told }
}

export function toLog(map: MapRows, { row, told }: Made): LogRow {
  return { kind: 'map', name: map.name, ...row, bytes: told }
}

/** One commit of one key. */
export class MapWrite extends GroupWrite<RecordRow, CommitResult> {
  override readonly kind: RowKind<RecordRow>
  readonly #write: DriverWrite
  readonly #map: MapRows
  readonly #feed: DriverFeed
  readonly #id: string
  #made: Made | undefined

  constructor(map: MapRows, feed: DriverFeed, write: DriverWrite) {
    super()
    this.kind = map.kind
    this.#map = map
    this.#feed = feed
    this.#write = write
    this.#id = recordId(map.name, write.key)
  }

  override ids(): readonly string[] {
    return [this.#id]
  }

  override plan([row]: Rows): readonly RecordRow[] {
    const { expect } = this.#write
    if (expect !== undefined && expect !== (this.#map.isPresent(row) ? row?.version : 0)) throw new NotMet()
    this.#made = make(this.#map, this.#feed, this.#write, row)
    if (this.#made === undefined) throw new NotMet()
    return [this.#made.row]
  }

  override write(): void {
    if (this.#made !== undefined) this.#map.log.append(toLog(this.#map, this.#made), this, { write: this.#write, feed: this.#feed })
  }

  override result(): CommitResult {
    const { row, atMs } = this.#made as Made
    return { ok: true, version: row.version, atMs }
  }
}

/** Several commits, all or none, of keys that are given or of all there are. */
export class MapWrites extends GroupWrite<RecordRow, void> {
  override readonly kind: RowKind<RecordRow>
  override readonly exclusive: boolean
  readonly #map: MapRows
  readonly #feed: DriverFeed
  readonly #writes: readonly DriverWrite[] | undefined
  readonly #removal: ((key: string) => DriverWrite) | undefined
  #made: readonly Made[] = []
  #planned: readonly (readonly [id: string, write: DriverWrite])[] = []

  constructor(map: MapRows, feed: DriverFeed, writes: readonly DriverWrite[] | ((key: string) => DriverWrite)) {
    super()
    this.kind = map.kind
    this.#map = map
    this.#feed = feed
    if (typeof writes === 'function') this.#removal = writes
    else this.#writes = writes
    this.exclusive = this.#writes === undefined || this.#writes.length > MANY
  }

  override ids(): readonly string[] {
    const { name } = this.#map
    const removal = this.#removal
    this.#planned =
      removal === undefined
        ? (this.#writes ?? []).map((write) => [recordId(name, write.key), write])
        : this.#map.ids().map(([id, key]) => [id, removal(key)])
    return [...new Set(this.#planned.map(([id]) => id))]
  }

  override plan(rows: Rows): Rows {
    const ids = [...new Set(this.#planned.map(([id]) => id))]
    const after = new Map(ids.map((id, at) => [id, rows[at]]))
    this.#made = this.#planned.flatMap(([id, write]) => {
      const made = make(this.#map, this.#feed, write, after.get(id))
      if (made !== undefined) after.set(id, made.row)
      return made ?? []
    })
    return ids.map((id) => after.get(id))
  }

  override write(): void {
    for (const made of this.#made) this.#map.log.append(toLog(this.#map, made), this, { write: made.write, feed: this.#feed })
  }

  override result(): void {}
}

/** Forgets records that are removed or over, and keeps the greatest version there was. */
export class Sweep extends GroupWrite<RecordRow, void> {
  override readonly kind: RowKind<RecordRow>
  readonly #map: MapRows
  readonly #keys: readonly (readonly [key: string, version: number])[]

  constructor(map: MapRows, keys: readonly (readonly [key: string, version: number])[]) {
    super()
    this.kind = map.kind
    this.#map = map
    this.#keys = keys
  }

  override ids(): readonly string[] {
    return [floorId(this.#map.name), ...this.#keys.map(([key]) => recordId(this.#map.name, key))]
  }

  override plan([floor, ...rows]: Rows): Rows {
    let greatest = floor?.version ?? 0
    const after = rows.map((row, at) => {
      if (row === undefined || row.version !== this.#keys[at]?.[1] || this.#map.isPresent(row)) return row
      greatest = Math.max(greatest, row.version)
      return undefined
    })
    const kept = { key: '', removed: true, stampMs: 0, boot: '', ttlMs: undefined, schemaVersion: 0, bytes: undefined }
    return [{ ...kept, version: greatest }, ...after]
  }

  override write(): void {}

  override result(): void {}
}

/** A message of a topic: nothing but an entry of the log. */
export class Publish extends GroupWrite<RecordRow, void> {
  override readonly kind: RowKind<RecordRow>
  readonly #log: ChangeLog
  readonly #row: LogRow

  constructor(kind: RowKind<RecordRow>, log: ChangeLog, name: string, bytes: Uint8Array) {
    super()
    this.kind = kind
    this.#log = log
    const absent = { key: '', version: 0, removed: false, stampMs: 0, boot: '', ttlMs: undefined, schemaVersion: 0 }
    this.#row = { kind: 'topic', name, ...absent, bytes }
  }

  override ids(): readonly string[] {
    return []
  }

  override plan(): readonly RecordRow[] {
    return []
  }

  override write(): void {
    this.#log.append(this.#row, this, undefined)
  }

  override result(): void {}
}
