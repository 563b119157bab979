import type { Clock, TimerHandle } from '@stigmergy/grid'

/** Node's timers take no more: a longer one would fire at once. */
export const LONGEST_TIMER_MS: number = 2 ** 31 - 1

/** Something that may be over too late. One at a time: it stands in one row. */
export abstract class Deadline {
  // Of the row it stands in.
  // Not 0: where the first time with a fraction comes later, the engine has two shapes for each kind of deadline, the early ones' and the others'.
  dueAtMs: number = Number.NaN
  row: Row | undefined
  before: Deadline | undefined
  after: Deadline | undefined

  /** Its time is over. Must not throw. */
  abstract late(): void
}

/** Those of one length: the oldest is due first. */
interface Row {
  readonly lengthMs: number
  first: Deadline | undefined
  last: Deadline | undefined
  timer: TimerHandle
  /** Its timer keeps the process alive. */
  alive: boolean
}

/**
 * Deadlines that are set by the thousand and almost never reached: one timer for all of the same length, and no allocation for each.
 * A timer of Node's outlives the last deadline of its row, so that one question after the other does not set and clear a timer each;
 * meanwhile it keeps no process alive (I8).
 */
export class Deadlines {
  readonly #clock: Clock
  readonly #rows = new Map<number, Row>()
  /** Rows that were empty in this turn of the event loop. */
  readonly #emptyRows = new Set<Row>()

  readonly #keepAlive: boolean

  /** `keepAlive`: an open deadline keeps the process alive. */
  constructor(clock: Clock, keepAlive = true) {
    this.#clock = clock
    this.#keepAlive = keepAlive
  }

  /** `lengthMs` from now on. Infinity: never. */
  set(deadline: Deadline, lengthMs: number): void {
    if (lengthMs === Infinity) return
    let row = this.#rows.get(lengthMs)
    if (row === undefined) {
      row = { lengthMs, first: undefined, last: undefined, timer: undefined, alive: true }
      this.#rows.set(lengthMs, row)
      this.#arm(row, lengthMs)
    } else if (!row.alive && this.#keepAlive) this.#ref(row)
    deadline.dueAtMs = this.#clock.now() + lengthMs
    deadline.row = row
    deadline.before = row.last
    if (row.last === undefined) row.first = deadline
    else row.last.after = deadline
    row.last = deadline
  }

  /** It is over in time. */
  clear(deadline: Deadline): void {
    const { row, before, after } = deadline
    if (row === undefined) return
    if (before === undefined) row.first = after
    else before.after = after
    if (after === undefined) row.last = before
    else after.before = before
    deadline.row = undefined
    deadline.before = undefined
    deadline.after = undefined
    if (row.first === undefined) this.#emptied(row)
  }

  #emptied(row: Row): void {
    if (!isNodes(row.timer)) {
      // A clock that knows no such thing, as a virtual one, is left with no timer.
      this.#clock.clearTimeout(row.timer)
      this.#rows.delete(row.lengthMs)
      return
    }
    if (!row.alive) return
    // Not at once: in a chain of questions the next one comes in this same turn of the event loop.
    if (this.#emptyRows.size === 0) setImmediate(this.#unref)
    this.#emptyRows.add(row)
  }

  readonly #unref = (): void => {
    for (const row of this.#emptyRows) {
      if (row.first !== undefined || !isNodes(row.timer)) continue
      row.timer.unref()
      row.alive = false
    }
    this.#emptyRows.clear()
  }

  #ref(row: Row): void {
    row.alive = true
    if (isNodes(row.timer)) row.timer.ref()
  }

  #arm(row: Row, ms: number): void {
    row.alive = true
    row.timer = this.#clock.setTimeout(() => this.#due(row), Math.min(ms, LONGEST_TIMER_MS))
    if (this.#keepAlive || !isNodes(row.timer)) return
    row.timer.unref()
    row.alive = false
  }

  #due(row: Row): void {
    const nowMs = this.#clock.now()
    // Clocks count in fractions: what is due within this instant is due.
    while (row.first !== undefined && row.first.dueAtMs <= nowMs) {
      const deadline = row.first
      this.clear(deadline)
      deadline.late()
    }
    if (this.#rows.get(row.lengthMs) !== row) return
    if (row.first === undefined) this.#rows.delete(row.lengthMs)
    else this.#arm(row, row.first.dueAtMs - nowMs)
  }

  /** Nothing is late any more. */
  close(): void {
    for (const row of this.#rows.values()) this.#clock.clearTimeout(row.timer)
    this.#rows.clear()
  }
}

function isNodes(timer: TimerHandle): timer is NodeJS.Timeout {
  return typeof (timer as Partial<NodeJS.Timeout> | undefined)?.unref === 'function'
}
