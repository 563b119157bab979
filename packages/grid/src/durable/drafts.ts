import type { GroupWrite } from './group-commit.ts'

interface Cell<Row> {
  readonly key: Buffer
  readonly version: number
  readonly row: Row | undefined
}

/** The row of an id as one batch will have left it. */
export class Draft<Row> implements Cell<Row> {
  readonly id: string
  readonly key: Buffer
  version: number
  row: Row | undefined
  /** By a write of this batch. */
  changed = false
  unit: Unit<Row> | undefined

  constructor(id: string, { key, version, row }: Cell<Row>) {
    this.id = id
    this.key = key
    this.version = version
    this.row = row
  }
}

/** Writes that share ids: they are committed together or not at all. */
export interface Unit<Row> {
  readonly drafts: Draft<Row>[]
  readonly writes: GroupWrite<Row, unknown>[]
}

const REMEMBERED = 16_384

/** Rows as committed, remembered while nobody else writes; and what the writes of a batch make of them. */
export class Drafts<Row> {
  readonly #read: (id: string, key: Buffer) => Cell<Row>
  readonly #slim: (row: Row) => Row
  readonly #remembered = new Map<string, Cell<Row>>()

  constructor(read: (id: string, key: Buffer) => Cell<Row>, slim: (row: Row) => Row = (row) => row) {
    this.#read = read
    this.#slim = slim
  }

  forget(): void {
    this.#remembered.clear()
  }

  /** As it was committed. */
  remember({ id, key, version, row, changed }: Draft<Row>): void {
    if (this.#remembered.size >= REMEMBERED) this.#remembered.clear()
    if (row === undefined) this.#remembered.set(id, { key, version: 0, row })
    else this.#remembered.set(id, { key, version: changed ? version + 1 : version, row: changed ? this.#slim(row) : row })
  }

  /**
   * Plans the writes, each upon those before it. What is refused by committed rows, or cannot be read, has its answer at once; what is
   * refused by a row of this batch has it with the batch.
   */
  draw(writes: readonly GroupWrite<Row, unknown>[]): readonly Unit<Row>[] {
    const drafts = new Map<string, Draft<Row>>()
    const units: Unit<Row>[] = []
    for (const write of writes) {
      if (write.over) continue
      try {
        const mine = write.ids().map((id) => this.#draft(id, drafts))
        this.#plan(write, mine)
        if (!write.over) units.push(...join(write, mine))
      } catch (error) {
        write.fail(error)
      }
    }
    return units.filter((unit) => unit.writes.length > 0)
  }

  #draft(id: string, drafts: Map<string, Draft<Row>>): Draft<Row> {
    const known = drafts.get(id)
    if (known !== undefined) return known
    const draft = new Draft(id, this.#remembered.get(id) ?? this.#read(id, Buffer.from(id)))
    drafts.set(id, draft)
    return draft
  }

  #plan(write: GroupWrite<Row, unknown>, drafts: readonly Draft<Row>[]): void {
    write.refused = undefined
    let rows: readonly (Row | undefined)[]
    try {
      rows = write.plan(drafts.map(({ row }) => row))
    } catch (refused) {
      if (!drafts.some(({ changed }) => changed)) return write.fail(refused)
      write.refused = refused
      return
    }
    for (const [at, draft] of drafts.entries()) {
      if (rows[at] === draft.row) continue
      draft.row = rows[at]
      draft.changed = true
    }
  }
}

/** Files the write with those it shares ids with. Returns the unit if it is a new one. */
function join<Row>(write: GroupWrite<Row, unknown>, drafts: readonly Draft<Row>[]): readonly Unit<Row>[] {
  const known = drafts.find((draft) => draft.unit !== undefined)?.unit
  const unit: Unit<Row> = known ?? { drafts: [], writes: [] }
  for (const draft of drafts) {
    const other = draft.unit
    if (other === unit) continue
    for (const each of other?.drafts ?? [draft]) {
      each.unit = unit
      unit.drafts.push(each)
    }
    if (other !== undefined) unit.writes.push(...other.writes.splice(0))
  }
  unit.writes.push(write)
  return known === undefined ? [unit] : []
}
