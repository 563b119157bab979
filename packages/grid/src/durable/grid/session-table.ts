import { quietly, type Environment, type Table } from '../environment.ts'
import { guardedRange } from '../guarded.ts'
import { logAt, logKey, SESSION_LENGTH } from './rows.ts'
import { beganAt, isAlive, packSession, toSession, type SessionRow } from './sessions.ts'

/** A session and its name, with the version of its row. */
export interface Session {
  readonly name: string
  readonly version: number
  readonly row: SessionRow
}

/** Of a log, in one transaction. */
export const REMOVED_AT_ONCE = 2000

/** Who has the directory open, and how far each has read the logs of the others. */
export class SessionTable {
  readonly #environment: Environment
  readonly #table: Table
  readonly #logs: Table
  readonly #mine: string
  readonly #boot: string

  constructor(environment: Environment, logs: Table, mine: string, boot: string) {
    this.#environment = environment
    this.#table = environment.table('grid-sessions', true)
    this.#logs = logs
    this.#mine = mine
    this.#boot = boot
  }

  /** As of the last refresh, as {@link others} and {@link last}. */
  all(): readonly Session[] {
    return Array.from(
      guardedRange(this.#environment, () => this.#table.getRange({ versions: true })),
      ({ key, value, version }) => {
        const name = key.toString('latin1', 0, SESSION_LENGTH)
        return { name, version: version ?? 0, row: toSession(this.#environment.rows.read(value, `session ${name}`, key)) }
      },
    )
  }

  /** Those that are alive. */
  others(): readonly Session[] {
    return this.all().filter(({ name, row }) => name !== this.#mine && isAlive(row, this.#boot))
  }

  /** The last number in the log of a session. */
  last(name: string): number | undefined {
    const range = { start: logKey(name, 2 ** 53), end: logKey(name, 0), reverse: true, limit: 1 }
    for (const key of guardedRange(this.#environment, () => this.#logs.getKeys(range))) return logAt(key)
    return undefined
  }

  /** Writes the own row, and with it what `also` does. */
  async write(row: Pick<SessionRow, 'trimmedTo' | 'read'>, also: () => void): Promise<boolean> {
    const key = Buffer.from(this.#mine)
    const { version } = this.#environment.readNow(this.#table, key, `session ${this.#mine}`)
    const packed = this.#pack(key, { pid: process.pid, began: beganAt(process.pid) ?? '', boot: this.#boot, ...row })
    return this.#environment.swap(this.#table, [{ key, version }], () => {
      quietly(this.#table.put(key, packed, version + 1))
      also()
    })
  }

  /** Removes the sessions of processes that are gone, and their logs, once all that live have read them. */
  async reap(): Promise<readonly string[]> {
    this.#environment.refresh()
    const all = this.all()
    const living = all.filter(({ name, row }) => name === this.#mine || isAlive(row, this.#boot))
    const gone: string[] = []
    for (const session of all) {
      const last = this.last(session.name) ?? session.row.trimmedTo
      const read = living.every(({ row }) => (row.read.get(session.name) ?? 0) >= last)
      if (living.includes(session) || !read) continue
      if (await this.#remove(session, last)) gone.push(session.name)
    }
    return gone
  }

  async leave(): Promise<void> {
    const key = Buffer.from(this.#mine)
    const { version, fields } = this.#environment.read(this.#table, key, `session ${this.#mine}`)
    if (fields === undefined) return
    const packed = this.#pack(key, { ...toSession(fields), pid: 0 })
    await this.#environment.swap(this.#table, [{ key, version }], () => quietly(this.#table.put(key, packed, version + 1)))
  }

  /** Not more than so much at once. True: there is nothing left of it. */
  async #remove({ name, version, row }: Session, last: number): Promise<boolean> {
    const key = Buffer.from(name)
    const until = Math.min(last, row.trimmedTo + REMOVED_AT_ONCE)
    const removed = await this.#environment.swap(this.#table, [{ key, version }], () => {
      for (let at = row.trimmedTo + 1; at <= until; at++) quietly(this.#logs.remove(logKey(name, at)))
      if (until === last) quietly(this.#table.remove(key))
      else quietly(this.#table.put(key, this.#pack(key, { ...row, trimmedTo: until }), version + 1))
    })
    return removed && until === last
  }

  #pack(key: Buffer, row: SessionRow): Buffer {
    return this.#environment.rows.pack(packSession(row), key)
  }
}
