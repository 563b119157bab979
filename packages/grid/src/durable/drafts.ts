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

/** What the writes of one batch make of the rows as committed. */
export class Drafts {
  readonly #drafts = new Map<RowKind<unknown>, Map<string, AnyDraft>>()

  /**
   * Plans the writes, each upon those before it. What is refused by committed rows, or cannot be read, has its answer at once; what is
   * refused by a row of this batch has it with the batch.
   */
  draw(writes: readonly AnyWrite[]): readonly Unit[] {
    const units: Unit[] = []
    for (const write of writes) {
      if (write.over) continue
      try {
        const mine = write.parts.map((part) => this.#of(part))
        plan(write, mine)
        if (!write.over) join(write, mine, units)
      } catch (error) {
        write.fail(error)
      }
    }
    return units.filter((unit) => unit.writes.length > 0)
  }

  #of(part: GroupWrite<unknown, unknown>): readonly AnyDraft[] {
    const { kind } = part
    let known = this.#drafts.get(kind)
    if (known === undefined) this.#drafts.set(kind, (known = new Map()))
    const drafts: AnyDraft[] = []
    for (const id of part.ids()) {
      let draft = known.get(id)
      if (draft === undefined) known.set(id, (draft = new Draft(kind, id)))
      drafts.push(draft)
    }
    return drafts
  }
}

function plan(write: AnyWrite, drafts: readonly (readonly AnyDraft[])[]): void {
  write.refused = undefined
  const before: { readonly draft: AnyDraft; readonly row: unknown; readonly changed: boolean }[] = []
  try {
    for (const [at, part] of write.parts.entries()) {
      const mine = drafts[at] ?? []
      const rows = part.plan(mine.map(({ row }) => row))
      for (const [of, draft] of mine.entries()) {
        const row = rows[of]
        if (row === draft.row) continue
        before.push({ draft, row: draft.row, changed: draft.changed })
        draft.row = row
        draft.changed = true
      }
    }
  } catch (refused) {
    // None of its parts: what those before had made of the rows is taken back.
    for (const { draft, row, changed } of before.toReversed()) Object.assign(draft, { row, changed })
    if (!drafts.some((mine) => mine.some(({ changed }) => changed))) return write.fail(refused)
    write.refused = refused
  }
}

/** Files the write with those it shares ids with. */
function join(write: AnyWrite, drafts: readonly (readonly AnyDraft[])[], units: Unit[]): void {
  const known = drafts.flatMap((mine) => mine.find(({ unit }) => unit !== undefined)?.unit ?? [])[0]
  const unit: Unit = known ?? { drafts: [], writes: [] }
  for (const draft of drafts.flat()) {
    const other = draft.unit
    if (other === unit) continue
    for (const each of other?.drafts ?? [draft]) {
      each.unit = unit
      unit.drafts.push(each)
    }
    if (other !== undefined) unit.writes.push(...other.writes.splice(0))
  }
  unit.writes.push(write)
  if (known === undefined) units.push(unit)
}
