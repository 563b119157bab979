import type { Clock } from '../../time/clock.ts'
import type { DriverFeed, DriverWrite } from '../../driver.ts'
import { quietly, type Environment, type Table } from '../environment.ts'
import { logAt, logKey, packLog, toLogRow, type LogRow } from './rows.ts'
import { REMOVED_AT_ONCE, SessionTable } from './session-table.ts'

/** The write of a grid of this process, and that grid's feed. */
export interface Origin {
  readonly write: DriverWrite
  readonly feed: DriverFeed
}

/** One committed change. */
export interface Logged {
  readonly row: LogRow
  readonly origin: Origin | undefined
}

export interface ChangeLogOptions {
  readonly environment: Environment
  readonly clock: Clock
  readonly boot: string
  readonly session: string
  /** How much of the own log is kept for readers that are behind, before they have to start anew (I6). */
  readonly maxEntries: number
  readonly maxBytes: number
  /** Tells changes: all of one key in the order of their commits (I5). */
  readonly tell: (changes: readonly Logged[]) => void
  /** Changes are missing: everybody starts from what is there now (I5). */
  readonly resync: () => void
}

interface Own extends Logged {
  readonly at: number
  /** What it is part of. */
  readonly owner: object
}

/**
 * Who wrote what, for the other processes. Each one numbers its changes and writes them in the transaction of the change itself, so
 * a writer that is killed right after it leaves no gap. Each reader goes through the logs of all others, up to one snapshot at a time.
 * A log is forgotten as far as all living processes have read it; one that was too slow starts anew from what is there.
 */
export class ChangeLog {
  readonly #options: ChangeLogOptions
  readonly #sessions: SessionTable
  readonly #logs: Table
  readonly #epochs: Table
  readonly #read = new Map<string, number>()
  /** Sizes of what is in the own log, by number. */
  readonly #sizes = new Map<number, number>()
  #bytes = 0
  #at = 0
  #trimmedTo = 0
  #underWay: Own[] = []
  #done: Own[] = []
  #epoch = -1
  #completeAtMs = -Infinity
  #telling = false
  #unpublished = true

  constructor(options: ChangeLogOptions) {
    const { environment } = options
    this.#options = options
    this.#logs = environment.table('grid-log', false)
    this.#sessions = new SessionTable(environment, this.#logs, options.session, options.boot)
    this.#epochs = environment.table('epochs', true)
  }

  /** Makes this session known, from here on: what was written before is loaded, not read. */
  async open(): Promise<void> {
    this.#options.environment.refresh()
    for (const { name, row } of this.#sessions.all()) this.#read.set(name, this.#sessions.last(name) ?? row.trimmedTo)
    this.#epoch = this.#epochNow()
    await this.publish()
  }

  /** The sessions of others that are alive, as far as is known here. */
  get others(): Iterable<string> {
    return this.#read.keys()
  }

  /** How long ago the changes told were all there were, at most (I4). Looks whether there is anything new. */
  ageMs(nowMs: number): number {
    this.#options.environment.refresh()
    if (this.#epochNow() === this.#epoch && this.#done.length === 0) this.#completeAtMs = Math.max(this.#completeAtMs, nowMs)
    return Math.max(0, nowMs - this.#completeAtMs)
  }

  /** A transaction begins: what the one before wrote in vain is void. */
  begin(): void {
    this.#underWay = []
  }

  /** Inside a transaction: the change goes with it. */
  append(row: LogRow, owner: object, origin: Origin | undefined): void {
    const at = ++this.#at
    const key = logKey(this.#options.session, at)
    const packed = this.#options.environment.rows.pack(packLog(row), key)
    quietly(this.#logs.put(key, packed))
    this.#sizes.set(at, packed.length)
    this.#bytes += packed.length
    this.#underWay.push({ at, row, owner, origin })
  }

  /** The changes of these writes are committed. */
  committed(writes: readonly object[]): void {
    const mine = new Set(writes)
    this.#done.push(...this.#underWay.filter(({ owner }) => mine.has(owner)))
    this.#underWay = []
  }

  /** Tells all that is committed and not told. `refreshed`: reads are up to date as of `atMs`. */
  catchUp(atMs: number = this.#options.clock.now(), refreshed = false): void {
    // A guest that is told and comes back here is told the rest afterwards.
    if (this.#telling) return
    if (!refreshed) this.#options.environment.refresh()
    const epoch = this.#epochNow()
    if (epoch === this.#epoch && this.#done.length === 0) {
      this.#completeAtMs = atMs
      return
    }
    const { changes, gap } = this.#collect()
    this.#telling = true
    try {
      if (gap) this.#options.resync()
      else this.#options.tell(changes)
    } finally {
      this.#telling = false
    }
    this.#epoch = epoch
    this.#completeAtMs = atMs
  }

  /** Says how far this process has read, and forgets what all others have read of its own log. */
  async publish(): Promise<void> {
    const { environment, session } = this.#options
    environment.refresh()
    const until = Math.min(this.#forgettable(), this.#trimmedTo + REMOVED_AT_ONCE)
    if (until <= this.#trimmedTo && !this.#unpublished) return
    this.#unpublished = false
    const from = this.#trimmedTo
    const published = await this.#sessions.write({ trimmedTo: until, read: new Map(this.#read) }, () => {
      for (let at = from + 1; at <= until; at++) if (this.#sizes.has(at)) quietly(this.#logs.remove(logKey(session, at)))
    })
    if (!published) this.#unpublished = true
    else this.#trimmed(until)
  }

  /** Up to which number nobody needs the own log, or it is more than it may be. */
  #forgettable(): number {
    const { session, maxEntries, maxBytes } = this.#options
    const committed = this.#underWay[0] === undefined ? this.#at : this.#underWay[0].at - 1
    let until = committed
    for (const { row } of this.#sessions.others()) until = Math.min(until, row.read.get(session) ?? 0)
    let { size } = this.#sizes
    let bytes = this.#bytes
    for (const [at, length] of this.#sizes) {
      if (at > until && size <= maxEntries && bytes <= maxBytes) break
      if (at > until) until = Math.min(at, committed)
      size -= 1
      bytes -= length
    }
    return until
  }

  /** Forgets processes that are gone, once all that live have read what they wrote. Returns those it has forgotten. */
  async reap(): Promise<readonly string[]> {
    const gone = await this.#sessions.reap()
    for (const name of gone) this.#read.delete(name)
    return gone
  }

  /** Leaves: another process may forget this one as soon as it has read the rest. */
  close(): Promise<void> {
    return this.#sessions.leave()
  }

  #epochNow(): number {
    return this.#options.environment.readNow(this.#epochs, GRID_EPOCH, 'the epoch').version
  }

  /** What is new in one snapshot, from all logs. */
  #collect(): { readonly changes: readonly Logged[]; readonly gap: boolean } {
    const { session } = this.#options
    const news: Logged[] = []
    let gap = false
    const known = new Set<string>()
    let writers = 0
    for (const { name, row } of this.#sessions.all()) {
      known.add(name)
      if (name === session) continue
      const from = this.#read.get(name) ?? 0
      if (from < row.trimmedTo) gap = true
      const before = news.length
      const to = this.#readLog(name, from, news)
      if (to === undefined) gap = true
      if (news.length > before) writers += 1
      this.#read.set(name, Math.max(from, row.trimmedTo, to ?? this.#sessions.last(name) ?? 0))
    }
    for (const name of this.#read.keys()) if (!known.has(name)) this.#read.delete(name)
    if (news.length > 0 || gap) this.#unpublished = true
    // Of the own transaction under way some or all may be in this snapshot already: others see it, and may build on it.
    const [seen, unseen] = partition(this.#underWay, ({ at }) => this.#logs.doesExist(logKey(session, at)))
    this.#done.push(...seen)
    this.#underWay = unseen
    const own = this.#done
    this.#done = []
    if (own.length === 0 && writers <= 1) return { changes: news, gap }
    if (news.length === 0) return { changes: own, gap }
    // A change that builds on another one has a greater version.
    return { changes: [...news, ...own].toSorted((a, b) => a.row.version - b.row.version), gap }
  }

  /** Reads the log of a session on. Returns where it ends, or undefined if it cannot be read. */
  #readLog(name: string, from: number, news: Logged[]): number | undefined {
    const { rows } = this.#options.environment
    let to = from
    try {
      for (const { key, value } of this.#logs.getRange({ start: logKey(name, from + 1), end: logKey(name, 2 ** 53) })) {
        news.push({ row: toLogRow(rows.read(value, `change ${logAt(key)} of session ${name}`, key)), origin: undefined })
        to = logAt(key)
      }
      return to
    } catch {
      return undefined
    }
  }

  #trimmed(until: number): void {
    this.#trimmedTo = until
    for (const [at, length] of this.#sizes) {
      if (at > until) break
      this.#sizes.delete(at)
      this.#bytes -= length
    }
  }
}

/** The name of the grid's epoch, which changes with every transaction. */
export const GRID = 'grid'
const GRID_EPOCH = Buffer.from(GRID)

function partition<T>(items: readonly T[], test: (item: T) => boolean): readonly [T[], T[]] {
  const yes: T[] = []
  const no: T[] = []
  for (const item of items) (test(item) ? yes : no).push(item)
  return [yes, no]
}
