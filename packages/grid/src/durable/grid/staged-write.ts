import type { DriverFeed, DriverWrite } from '../../driver.ts'
import { quote } from '../../errors.ts'
import { StoreError } from '../../store/errors.ts'
import type { GroupCommit } from '../group-commit.ts'
import { GroupWrite } from '../group-write.ts'
import type { RowKind } from '../row-kind.ts'
import { recordId, type RecordRow } from './rows.ts'
import { make, toLog, type Made, type MapRows } from './writes.ts'

/** A write of one key as part of a transaction. Its result is the version that the key then has, or 0 where nothing was to be removed. */
export class StagedWrite extends GroupWrite<RecordRow, number> {
  override readonly kind: RowKind<RecordRow>
  /** Who can commit it. */
  readonly group: GroupCommit
  readonly #map: MapRows
  readonly #feed: DriverFeed
  readonly #write: DriverWrite
  readonly #id: string
  #made: Made | undefined

  constructor(map: MapRows, feed: DriverFeed, write: DriverWrite, group: GroupCommit) {
    super()
    this.kind = map.kind
    this.group = group
    this.#map = map
    this.#feed = feed
    this.#write = write
    this.#id = recordId(map.name, write.key)
  }

  override ids(): readonly string[] {
    return [this.#id]
  }

  override plan([row]: readonly (RecordRow | undefined)[]): readonly (RecordRow | undefined)[] {
    const { expect, key } = this.#write
    const present = this.#map.isPresent(row) ? (row?.version ?? 0) : 0
    if (expect !== undefined && expect !== present) {
      throw new StoreError('STORE_CONFLICT', `${quote(key)} of map ${quote(this.#map.name)} is at version ${present}, not at ${expect}`)
    }
    this.#made = make(this.#map, this.#feed, this.#write, row)
    return [this.#made?.row ?? row]
  }

  override write(): void {
    if (this.#made !== undefined) this.#map.log.append(toLog(this.#map, this.#made), this, { write: this.#write, feed: this.#feed })
  }

  override result(): number {
    return this.#made?.row.version ?? 0
  }
}
