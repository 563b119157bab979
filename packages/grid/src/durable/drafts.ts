import type { GroupWrite, Waiting } from './group-write.ts'
import type { RowKind } from './row-kind.ts'

/** The row of an id as one batch will have left it. */
export class Draft<Row> {
  readonly kind: RowKind<Row>
  readonly id: string
  readonly key: Buffer
  readonly version: number
  row: Row | undefined
  /** By a write of this batch. */
  changed = false
  unit: Unit | undefined

  constructor(kind: RowKind<Row>, id: string) {
    this.kind = kind
    this.id = id
    const { key, version, row } = kind.cell(id)
    this.key = key
    this.version = version
    this.row = row
  }

  get table(): RowKind<Row>['table'] {
    return this.kind.table
  }
}

type AnyDraft = Draft<unknown>
type AnyWrite = Waiting<unknown>

/** Writes that share ids: they are committed together or not at all. */
export interface Unit {
  readonly drafts: AnyDraft[]
  readonly writes: AnyWrite[]
}

/** What the writes of one batch make of the rows as committed. Loops are plain here: every commit of every agent goes through them. */
export class Drafts {
  /** Those that were not planned, because a unit would have become too large: they are for the next batch. */
  left: readonly AnyWrite[] = []
  readonly #drafts = new Map<RowKind<unknown>, Map<string, AnyDraft>>()

  /**
   * Plans the writes, each upon those before it. What is refused by committed rows, or cannot be read, has its answer at once; what is
   * refused by a row of this batch has it with the batch. At the first write that would join units to one of more than `most` rows it
   * stops: that one and all after it are left, so that the order of each id's writes stays.
   */
  draw(writes: readonly AnyWrite[], most: number = Infinity): readonly Unit[] {
    const units: Unit[] = []
    for (const [at, write] of writes.entries()) {
      if (write.over) continue
      try {
        const mine: AnyDraft[] = []
        for (const part of write.parts) this.#add(part, mine)
        if (most !== Infinity && joinedRows(mine) > most) {
          this.left = writes.slice(at)
          break
        }
        plan(write, mine)
        if (!write.over) join(write, mine, units)
      } catch (error) {
        write.fail(error)
      }
    }
    return units.filter((unit) => unit.writes.length > 0)
  }

  #add(part: GroupWrite<unknown, unknown>, to: AnyDraft[]): void {
    const { kind } = part
    let known = this.#drafts.get(kind)
    if (known === undefined) this.#drafts.set(kind, (known = new Map()))
    const ids = part.ids()
    part.count = ids.length
    for (const id of ids) {
      let draft = known.get(id)
      if (draft === undefined) known.set(id, (draft = new Draft(kind, id)))
      to.push(draft)
    }
  }
}

/** Plans its parts one upon the other; where one is refused, what those before had made of the rows is taken back. */
function plan(write: AnyWrite, drafts: readonly AnyDraft[]): void {
  const { parts } = write
  write.refused = undefined
  const before = parts.length === 1 ? undefined : drafts.map(({ row, changed }) => ({ row, changed }))
  try {
    for (let at = 0, from = 0; at < parts.length; at++) {
      const part = parts[at] as GroupWrite<unknown, unknown>
      const rows: unknown[] = []
      for (let each = from; each < from + part.count; each++) rows.push(drafts[each]?.row)
      const after = part.plan(rows)
      for (let each = 0; each < part.count; each++) alter(drafts[from + each] as AnyDraft, after[each])
      from += part.count
    }
  } catch (refused) {
    if (before !== undefined) for (const [at, draft] of drafts.entries()) Object.assign(draft, before[at])
    if (!drafts.some(({ changed }) => changed)) return write.fail(refused)
    write.refused = refused
  }
}

function alter(draft: AnyDraft, row: unknown): void {
  if (row === draft.row) return
  draft.row = row
  draft.changed = true
}

/** How many rows the unit would have that such a write joins; 0 if it joins none, and so is as large as it must be. */
function joinedRows(drafts: readonly AnyDraft[]): number {
  const joined = new Set<Unit>()
  const own = new Set<AnyDraft>()
  for (const draft of drafts) {
    if (draft.unit === undefined) own.add(draft)
    else joined.add(draft.unit)
  }
  if (joined.size === 0) return 0
  let rows = own.size
  for (const unit of joined) rows += unit.drafts.length
  return rows
}

/** Files the write with those it shares ids with. */
function join(write: AnyWrite, drafts: readonly AnyDraft[], units: Unit[]): void {
  let unit: Unit | undefined
  for (const draft of drafts) unit ??= draft.unit
  if (unit === undefined) units.push((unit = { drafts: [], writes: [] }))
  for (const draft of drafts) {
    const other = draft.unit
    if (other === unit) continue
    if (other === undefined) {
      draft.unit = unit
      unit.drafts.push(draft)
      continue
    }
    for (const each of other.drafts) {
      each.unit = unit
      unit.drafts.push(each)
    }
    unit.writes.push(...other.writes.splice(0))
  }
  unit.writes.push(write)
}
