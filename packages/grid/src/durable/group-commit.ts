import { getRandomValues } from 'node:crypto'
import type { TimerHandle } from '../clock.ts'
import { StoreError } from '../store/errors.ts'
import { Drafts, type Unit } from './drafts.ts'
import { quietly, type Environment, type Table } from './environment.ts'

/** One write: what it looks at, what it makes of it, and who waits for it. */
export abstract class GroupWrite<Row, T> {
  /** Committed by itself, and only if no other process has written anything since it was planned. */
  readonly exclusive: boolean = false
  /** Set by a plan that is part of what is being committed. */
  refused: unknown = undefined
  over = false
  dueMs = 0
  #resolve: (result: T) => void = () => undefined
  #reject: (error: unknown) => void = () => undefined

  /** The rows it depends on. Asked for before each plan. */
  abstract ids(): readonly string[]
  /**
   * Decides on the present rows, which it does not change itself: gives what they become (undefined: nothing), or throws to refuse.
   * May run again.
   */
  abstract plan(rows: readonly (Row | undefined)[]): readonly (Row | undefined)[]
  /** Puts what goes to other tables in the same transaction. */
  abstract write(): void
  abstract result(): T

  wait(dueMs: number): Promise<T> {
    this.dueMs = dueMs
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  succeed(): void {
    if (this.over) return
    this.over = true
    if (this.refused === undefined) this.#resolve(this.result())
    else this.#reject(this.refused)
  }

  fail(error: unknown): void {
    if (this.over) return
    this.over = true
    this.#reject(error)
  }
}

export interface GroupCommit<Row> {
  /**
   * Commits if the rows of the plan are still the present ones then; else decides anew. A refusal is thrown if the rows it saw are
   * committed ones. Resolves at the level of the environment.
   */
  run<T>(write: GroupWrite<Row, T>): Promise<T>
  /** Resolves when nothing is under way any more. */
  idle(): Promise<void>
}

export interface GroupCommitOptions<Row> {
  readonly environment: Environment
  /** Whose epoch it is. */
  readonly name: string
  readonly table: Table
  unpack(fields: readonly unknown[]): Row
  pack(row: Row): Buffer
  /** What is remembered of a committed row. @default the row */
  remembered?(row: Row): Row
  /** Before a batch is planned, when reads are up to date. */
  begin?(): void
  /** These are committed, and not yet answered. */
  committed?(writes: readonly GroupWrite<Row, unknown>[]): void
}

/** A write of more rows than this is exclusive: conditions within conditions are not to go deeper. */
export const MANY = 200

const BATCH = 1000
/** So many batches look at each row's version after another process was met. */
const WARY = 16

/**
 * Writes of one table: all that wait share the next transaction. What other processes wrote is seen by a condition inside the
 * transaction (I1): every transaction gives the table a new epoch, so while no other process writes one look at the epoch stands for
 * all rows, and rows need not be read again. When another one does, each row's own version is looked at.
 */
export function createGroupCommit<Row>(options: GroupCommitOptions<Row>): GroupCommit<Row> {
  const { environment, table } = options
  const { clock, timeoutMs, path } = environment.options
  const epochs = environment.table('epochs', true)
  const epochKey = Buffer.from(options.name)
  const empty = environment.rows.pack([])
  const drafts = new Drafts<Row>((id, key) => {
    const { version, fields } = environment.readNow(table, key, id)
    return { key, version, row: fields && options.unpack(fields) }
  }, options.remembered)
  let queue: GroupWrite<Row, unknown>[] = []
  let underWay: readonly GroupWrite<Row, unknown>[] = []
  let running: Promise<void> | undefined
  let timer: TimerHandle | undefined
  let epoch: number | undefined
  let wary = 0

  /** Reads the epoch in the snapshot of all that is read for this batch. */
  function begin(): number {
    environment.refresh()
    options.begin?.()
    const { version } = environment.readNow(epochs, epochKey, 'the epoch')
    if (version !== epoch) drafts.forget()
    epoch = version
    return version
  }

  function putRows({ drafts: changed }: Unit<Row>): void {
    for (const draft of changed) {
      if (!draft.changed) continue
      if (draft.row !== undefined) quietly(table.put(draft.key, options.pack(draft.row), draft.version + 1))
      else if (draft.version !== 0) quietly(table.remove(draft.key))
    }
  }

  /** Those that were planned and not refused, in the order in which they were asked for. */
  function putWrites(writes: readonly GroupWrite<Row, unknown>[]): void {
    for (const write of writes) if (!write.over && write.refused === undefined) write.write()
  }

  async function commitTogether(
    units: readonly Unit<Row>[],
    writes: readonly GroupWrite<Row, unknown>[],
    before: number,
    next: number,
  ): Promise<readonly boolean[]> {
    const all = await environment.submit(epochs, [{ key: epochKey, version: before }], () => {
      putWrites(writes)
      for (const unit of units) putRows(unit)
      quietly(epochs.put(epochKey, empty, next))
    })
    return units.map(() => all)
  }

  /** In one transaction as well, but each unit for itself. */
  async function commitEach(units: readonly Unit<Row>[], next: number): Promise<readonly boolean[]> {
    const committed: Promise<boolean>[] = []
    const together = environment.together(() => {
      for (const unit of units) committed.push(environment.submit(table, unit.drafts, () => (putWrites(unit.writes), putRows(unit))))
      quietly(epochs.put(epochKey, empty, next))
    })
    const [each] = await Promise.all([Promise.all(committed), together])
    return each
  }

  async function commit(writes: readonly GroupWrite<Row, unknown>[]): Promise<void> {
    const before = begin()
    const units = drafts.draw(writes)
    if (units.length === 0) return
    const next = newEpoch()
    const sure = wary === 0 || writes[0]?.exclusive === true
    let committed: readonly boolean[]
    try {
      committed = sure ? await commitTogether(units, writes, before, next) : await commitEach(units, next)
    } catch (error) {
      epoch = undefined
      for (const unit of units) for (const write of unit.writes) write.fail(error)
      return
    }
    const met = committed.includes(false)
    const mine = sure && !met
    wary = met ? WARY : Math.max(0, wary - 1)
    // Of rows that were not part of a wary batch nobody knows whether they are still the present ones.
    epoch = mine ? next : undefined
    const done: GroupWrite<Row, unknown>[] = []
    const again: GroupWrite<Row, unknown>[] = []
    for (const [at, unit] of units.entries()) {
      for (const write of unit.writes) (committed[at] ? done : again).push(write)
      if (mine) for (const draft of unit.drafts) drafts.remember(draft)
    }
    // They were first, and stay so: the order of one id's writes is the order in which they were asked for.
    if (again.length > 0) queue = [...again, ...queue]
    if (done.length === 0) return
    options.committed?.(done)
    acknowledge(done)
  }

  function acknowledge(writes: readonly GroupWrite<Row, unknown>[]): void {
    if (environment.options.level === 'process') {
      for (const write of writes) write.succeed()
      return
    }
    // The next batch does not wait for the disk: its own flush comes after this one.
    environment.settle().then(
      () => writes.forEach((write) => write.succeed()),
      (error: unknown) => writes.forEach((write) => write.fail(error)),
    )
  }

  /** The next batch: all that wait, but what is exclusive is alone. */
  function take(): void {
    const at = queue.findIndex(({ exclusive }) => exclusive)
    const count = at === -1 ? Math.min(queue.length, BATCH) : Math.min(Math.max(at, 1), BATCH)
    underWay = count === queue.length ? queue : queue.slice(0, count)
    queue = count === queue.length ? [] : queue.slice(count)
  }

  async function work(): Promise<void> {
    while (queue.length > 0) {
      take()
      await commit(underWay)
      // Whoever was answered may ask for the next one now, and share the next transaction.
      await Promise.resolve()
    }
    underWay = []
    running = undefined
    if (timer !== undefined) clock.clearTimeout(timer)
    timer = undefined
  }

  /** One timer for all that wait (I8). */
  function watch(): void {
    timer = clock.setTimeout(() => {
      const nowMs = clock.now()
      const late = new StoreError('STORE_TIMEOUT', `a write to ${path} took longer than ${timeoutMs} ms`)
      for (const write of [...underWay, ...queue]) if (write.dueMs <= nowMs) write.fail(late)
      queue = queue.filter(({ over }) => !over)
      watch()
    }, timeoutMs / 4)
  }

  return {
    run(write) {
      const answer = write.wait(clock.now() + timeoutMs)
      queue.push(write as GroupWrite<Row, unknown>)
      if (running !== undefined) return answer
      watch()
      // Not in this call: what is asked for in the same turn shares the transaction.
      running = Promise.resolve().then(work)
      return answer
    },
    idle: async () => running,
  }
}

/** No two transactions have the same, in whichever process: 53 bits of chance. */
function newEpoch(): number {
  const [high = 0, low = 0] = getRandomValues(new Uint32Array(2))
  return (high >>> 11) * 2 ** 32 + low + 1
}
