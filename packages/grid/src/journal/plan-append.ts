import { StoreError } from '../store/errors.ts'
import type { BatchItem } from './table.ts'

/** What one call appends: all or none. */
export interface AppendUnit {
  readonly producer: string
  /** Of the first value. */
  readonly seq: number
  readonly values: readonly Uint8Array[]
}

export interface AppendPlan {
  /** What is new, in order. */
  readonly items: readonly BatchItem[]
  /** The last number of each producer that has something new. */
  readonly producers: ReadonlyMap<string, number>
  /** Per unit: the offset of each of its values, undefined for what was there already; or why the unit is refused. */
  readonly outcomes: readonly (readonly (number | undefined)[] | StoreError)[]
}

/** Decides what of these units becomes a record, and where. Pure: `end` is the next offset, `lastSeq` what the store says. */
export function planAppend(units: readonly AppendUnit[], end: number, lastSeq: (producer: string) => number): AppendPlan {
  const items: BatchItem[] = []
  const producers = new Map<string, number>()
  const known = new Map<string, number>()
  const outcomes = units.map(({ producer, seq, values }) => {
    const last = known.get(producer) ?? lastSeq(producer)
    known.set(producer, last)
    if (seq > last + 1) {
      return new StoreError(
        'JOURNAL_GAP',
        `producer ${JSON.stringify(producer)} appends number ${seq} after ${last}: ${last + 1} is missing`,
      )
    }
    const offsets: (number | undefined)[] = []
    for (const [at, value] of values.entries()) {
      const isNew = seq + at > last
      offsets.push(isNew ? end + items.length : undefined)
      if (isNew) items.push([producer, seq + at, value])
    }
    const next = seq + values.length - 1
    if (next > last) {
      known.set(producer, next)
      producers.set(producer, next)
    }
    return offsets
  })
  return { items, producers, outcomes }
}
