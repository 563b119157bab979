import { quietly, type Environment, type Table } from './environment.ts'
import type { Draft } from './drafts.ts'
import type { GroupWrite } from './group-write.ts'

/** A row as it was committed. */
export interface Cell<Row> {
  readonly key: Buffer
  /** 0: there is none. */
  readonly version: number
  readonly row: Row | undefined
}

export interface RowKindOptions<Row> {
  readonly environment: Environment
  /** Whose epoch it is. */
  readonly name: string
  readonly table: Table
  unpack(fields: readonly unknown[]): Row
  pack(row: Row, key: Buffer): Buffer
  /** What is remembered of a committed row. @default the row */
  remembered?(row: Row): Row
  /** Before a batch is planned that writes such rows, when reads are up to date. */
  begin?(): void
  /** These are committed, and not yet answered. */
  committed?(writes: readonly GroupWrite<Row, unknown>[]): void
}

const REMEMBERED = 16_384

/** The rows of one table, remembered as committed while nobody else writes: while its epoch is the one that was left there. */
export class RowKind<Row> {
  readonly table: Table
  readonly epochKey: Buffer
  /** As of the last {@link begin}, or as this process left it; undefined: nobody knows. */
  epoch: number | undefined
  readonly #options: RowKindOptions<Row>
  readonly #remembered = new Map<string, Cell<Row>>()

  constructor(options: RowKindOptions<Row>) {
    this.#options = options
    this.table = options.table
    this.epochKey = Buffer.from(options.name)
  }

  /** Reads the epoch in the snapshot of all that is read for this batch. */
  begin(epochs: Table): number {
    const { environment } = this.#options
    this.#options.begin?.()
    const { version } = environment.readNow(epochs, this.epochKey, 'the epoch')
    if (version !== this.epoch) this.#remembered.clear()
    this.epoch = version
    return version
  }

  cell(id: string): Cell<Row> {
    const known = this.#remembered.get(id)
    if (known !== undefined) return known
    const key = Buffer.from(id)
    const { version, fields } = this.#options.environment.readNow(this.table, key, id)
    return { key, version, row: fields && this.#options.unpack(fields) }
  }

  /** Puts what became of the row. */
  put({ changed, row, key, version }: Draft<Row>): void {
    if (!changed) return
    if (row !== undefined) quietly(this.table.put(key, this.#options.pack(row, key), version + 1))
    else if (version !== 0) quietly(this.table.remove(key))
  }

  /** As it was committed. */
  remember({ id, key, version, row, changed }: Draft<Row>): void {
    if (this.#remembered.size >= REMEMBERED) this.#remembered.clear()
    const slim = this.#options.remembered
    if (row === undefined) this.#remembered.set(id, { key, version: 0, row })
    else this.#remembered.set(id, { key, version: changed ? version + 1 : version, row: changed && slim ? slim(row) : row })
  }

  /** `writes` gives those of this kind that are committed, and is asked only where somebody wants to know. */
  committed(writes: () => readonly GroupWrite<Row, unknown>[]): void {
    this.#options.committed?.(writes())
  }
}
