import { StoreError } from '../store/errors.ts'
import { planAppend, type AppendUnit } from './plan-append.ts'
import type { ResolvedJournalOptions } from './options.ts'
import type { JournalTable } from './table.ts'

type Offsets = readonly (number | undefined)[]

interface Waiting extends AppendUnit {
  readonly bytes: number
  readonly resolve: (offsets: Offsets) => void
  readonly reject: (error: unknown) => void
}

/** Appends that are asked for while a commit is under way share the next one, in the order they were asked for. */
export interface AppendQueue {
  readonly pending: number
  readonly appended: number
  readonly duplicates: number
  /** `answer` makes of the offsets what the caller waits for. */
  add<T>(unit: AppendUnit, answer: (offsets: Offsets) => T): Promise<T>
  /** Resolves once nothing waits. */
  idle(): Promise<void>
}

// One commit holds lmdb's lock, and one batch is unpacked whole by whoever reads one of its records.
const GROUP_RECORDS = 1024
const GROUP_BYTES = 1024 * 1024
const MAX_PENDING_BYTES = 64 * 1024 * 1024

export function createAppendQueue(
  table: JournalTable,
  name: string,
  { maxPending, clock }: ResolvedJournalOptions,
  committed: (end: number) => void,
): AppendQueue {
  const waiting: Waiting[] = []
  let pending = 0
  let pendingBytes = 0
  let appended = 0
  let duplicates = 0
  let flushing: Promise<void> | undefined

  function take(): Waiting[] {
    let records = 0
    let bytes = 0
    let count = 0
    for (const unit of waiting) {
      records += unit.values.length
      bytes += unit.bytes
      if (count > 0 && (records > GROUP_RECORDS || bytes > GROUP_BYTES)) break
      count += 1
    }
    return waiting.splice(0, count)
  }

  async function commit(group: readonly Waiting[]): Promise<void> {
    for (;;) {
      const { tag, row } = table.head(name)
      const head = row ?? { first: 0, cold: 0, end: 0 }
      const { items, producers, outcomes } = planAppend(group, head.end, (producer) => table.lastSeq(name, producer))
      const end = head.end + items.length
      if (items.length > 0) {
        const append = { first: head.end, bytes: table.pack(clock.wallNow(), items), producers }
        if ((await table.swap(name, tag, { head: { ...head, end }, append })) === undefined) continue
        // What is there already may have been committed and not yet flushed by a process that died: it is flushed with a write of ours.
      } else if (table.level === 'host' && row !== undefined) {
        if ((await table.swap(name, tag, { head: row })) === undefined) continue
      }
      appended += items.length
      leave(group)
      for (const [at, unit] of group.entries()) {
        const outcome = outcomes[at] as Offsets | StoreError
        if (outcome instanceof StoreError) unit.reject(outcome)
        else {
          for (const offset of outcome) if (offset === undefined) duplicates += 1
          unit.resolve(outcome)
        }
      }
      committed(end)
      return
    }
  }

  async function flush(): Promise<void> {
    // Whatever is asked for in this turn joins the first commit.
    await Promise.resolve()
    for (let group = take(); group.length > 0; group = take()) {
      try {
        await commit(group)
      } catch (error) {
        leave(group)
        for (const unit of group) unit.reject(error)
      }
    }
    flushing = undefined
  }

  function leave(group: readonly Waiting[]): void {
    for (const { values, bytes } of group) {
      pending -= values.length
      pendingBytes -= bytes
    }
  }

  return {
    get pending() {
      return pending
    },
    get appended() {
      return appended
    },
    get duplicates() {
      return duplicates
    },
    add<T>({ producer, seq, values }: AppendUnit, answer: (offsets: Offsets) => T) {
      let bytes = 0
      for (const value of values) bytes += value.length
      const full = pending > 0 && (pending + values.length > maxPending || pendingBytes + bytes > MAX_PENDING_BYTES)
      if (full) {
        const text = `${pending} records (${pendingBytes} bytes) wait to be appended to journal ${name}; maxPending is ${maxPending}`
        return Promise.reject(new StoreError('STORE_BUSY', text))
      }
      pending += values.length
      pendingBytes += bytes
      return new Promise<T>((resolve, reject) => {
        waiting.push({ producer, seq, values, bytes, resolve: (offsets) => resolve(answer(offsets)), reject })
        flushing ??= flush()
      })
    },
    async idle() {
      while (flushing !== undefined) await flushing
    },
  }
}
