import type { IMap } from 'hazelcast-client'
import type { Clock } from '../clock.ts'
import type { CommitResult, DriverWrite } from '../driver.ts'
import { GridError, isGridError, quote } from '../errors.ts'
import type { HybridClock } from '../hybrid-clock.ts'
import { replace, serverTtlMs, toCommitted, type Attempt, type Committed } from './attempt.ts'
import { isRefusal, toGridError } from './client-errors.ts'
import type { Changes } from './changes.ts'
import { HIGHEST_VERSION, packFrame, readFrame, type Frame } from './frame.ts'
import { isSameWrite } from './known-keys.ts'
import type { Garbage } from './garbage.ts'
import type { OwnWrites } from './own-writes.ts'

export interface WritesOptions {
  readonly map: string
  readonly session: string
  /** Stamps entries. */
  readonly clock: Clock
  /** Real time. */
  readonly realClock: Clock
  readonly hybrid: HybridClock
  readonly deadlineMs: number
  readonly changes: Changes
  readonly own: OwnWrites
  /** The next beat. */
  readonly beat: () => number
  /** Resolves with the map of the present connection, once its changes are listened to. Throws `GridError` OFFLINE. */
  readonly ready: () => IMap<string, Buffer> | Promise<IMap<string, Buffer>>
  readonly garbage: Garbage
}

const RETRY_MS = 20

/** Commits the writes of one map. Each is in this process's copy when it resolves. */
export class Writes {
  readonly #options: WritesOptions
  /** The last write under way of each key that reads before it writes: what is written after it has to come after it. */
  readonly #swapping = new Map<string, Promise<void>>()

  constructor(options: WritesOptions) {
    this.#options = options
  }

  /** Begins in the order of the calls, for each key. */
  commit(write: DriverWrite): Promise<CommitResult> {
    const before = this.#swapping.size === 0 ? undefined : this.#swapping.get(write.key)
    const blind = write.type === 'put' && write.expect === undefined && write.strong !== true
    if (blind) return before === undefined ? this.put(write) : before.then(() => this.put(write))
    const swapping = before === undefined ? this.#swap(write) : before.then(() => this.#swap(write))
    const ended: Promise<void> = swapping.then(
      () => this.#swapped(write.key, ended),
      () => this.#swapped(write.key, ended),
    )
    this.#swapping.set(write.key, ended)
    return swapping
  }

  /** A blind put: it does not look at what is there, so it costs one message. */
  put(write: DriverWrite): Promise<Committed> {
    try {
      const imap = this.#options.ready()
      return imap instanceof Promise ? imap.then((later) => this.#set(later, write)) : this.#set(imap, write)
    } catch (error) {
      return Promise.reject(error as GridError)
    }
  }

  // One promise for all of it: this is the way of most writes.
  #set(imap: IMap<string, Buffer>, write: DriverWrite): Promise<Committed> {
    return new Promise((resolve, reject) => {
      const { own, changes } = this.#options
      const { key } = write
      const number = own.begin(key)
      const attempt = this.#attempt(write, number)
      let answered = false
      let applied: Frame | true | undefined
      const settle = (): void => {
        if (answered && applied !== undefined) resolve(toCommitted(applied === true ? undefined : applied, attempt))
      }
      changes.awaited.begin(number, {
        write,
        applied: (frame) => {
          applied = frame ?? true
          settle()
        },
        closed: reject,
      })
      imap.set(key, attempt.stored, serverTtlMs(write.ttlMs)).then(
        () => {
          own.made(number)
          answered = true
          settle()
        },
        (error: unknown) => {
          const again = async (other: IMap<string, Buffer>): Promise<boolean> => {
            await other.set(key, this.#attempt(write, number).stored, serverTtlMs(write.ttlMs))
            return true
          }
          const seen = applied === undefined ? this.#await(number, write) : Promise.resolve(applied === true ? undefined : applied)
          const outcome = this.#resolve(write, number, seen, error, again)
          // The map may have been closed meanwhile: then whoever waited has been told, and nobody looks here.
          outcome.catch(() => {})
          resolve(outcome)
        },
      )
    })
  }

  #await(number: number, write: DriverWrite): Promise<Frame | undefined> {
    const applied = new Promise<Frame | undefined>((resolve, reject) => {
      this.#options.changes.awaited.begin(number, { write, applied: resolve, closed: reject })
    })
    // The write itself may fail first, and then nobody waits here.
    applied.catch(() => {})
    return applied
  }

  // A write that looks: read, compare, and replace exactly what was read.
  async #swap(write: DriverWrite): Promise<CommitResult> {
    const { own, changes } = this.#options
    let number = 0
    let applied: Promise<Frame | undefined> | undefined
    const untilMs = this.#options.realClock.now() + this.#options.deadlineMs
    for (;;) {
      if (number > 0 && this.#options.realClock.now() > untilMs) {
        this.#void(number)
        throw new GridError(
          'TIMEOUT',
          `${write.type} of ${quote(write.key)}: others were faster for ${this.#options.deadlineMs} ms; it was not made`,
        )
      }
      const { imap, raw } = await this.#look(write, number)
      const current = changes.toRecord(write.key, raw)
      const fits = write.expect === undefined || write.expect === (current?.version ?? 0)
      if (!fits || (write.type === 'remove' && current === undefined)) {
        if (number > 0) this.#void(number)
        return { ok: false, current }
      }
      this.#checkOver(write, raw)
      if (number === 0) {
        number = own.begin(write.key)
        applied = this.#await(number, write)
      }
      const attempt = this.#attempt(write, number)
      const waiting = applied as Promise<Frame | undefined>
      try {
        if (!(await replace(imap, write, raw, attempt.stored))) continue
      } catch (error) {
        return this.#resolve(write, number, waiting, error, (again) => replace(again, write, raw, attempt.stored))
      }
      own.made(number)
      // Replacing wipes the member's own time to live.
      this.#options.garbage.replaced(write, attempt.stored, attempt.version)
      return toCommitted(await waiting, attempt)
    }
  }

  async #look(write: DriverWrite, number: number): Promise<{ readonly imap: IMap<string, Buffer>; readonly raw: Buffer | null }> {
    try {
      const imap = await this.#options.ready()
      return { imap, raw: await imap.get(write.key) }
    } catch (error) {
      if (number > 0) this.#void(number)
      throw toGridError(error, this.#what(write))
    }
  }

  #what({ type, key }: DriverWrite): string {
    return `${type} of ${quote(key)} of map ${quote(this.#options.map)}`
  }

  /** The answer of a write was lost: whether it was made is found out, or it is made again, until its deadline. */
  async #resolve(
    write: DriverWrite,
    number: number,
    applied: Promise<Frame | undefined>,
    error: unknown,
    again: (imap: IMap<string, Buffer>) => Promise<boolean>,
  ): Promise<Committed> {
    const { own, changes, session, realClock, deadlineMs, beat } = this.#options
    if (isRefusal(error)) {
      this.#void(number)
      throw toGridError(error, this.#what(write))
    }
    let seen = false
    void applied.then(() => (seen = true)).catch(() => {})
    const untilMs = realClock.now() + deadlineMs
    while (!seen && realClock.now() < untilMs) {
      try {
        const imap = await this.#options.ready()
        const frame = readFrame(await imap.get(write.key))
        if (frame !== undefined && isSameWrite(frame, { session, number })) break
        if (await again(imap)) break
      } catch (reason) {
        if (isGridError(reason, 'CLOSED')) throw reason
      }
      await new Promise<void>((resolve) => realClock.setTimeout(resolve, RETRY_MS))
    }
    if (seen || realClock.now() < untilMs) {
      own.made(number)
      const frame = await applied
      return { ok: true, version: frame?.version ?? changes.known.get(write.key)?.version ?? 1, atMs: frame?.stampMs ?? 0 }
    }
    own.unknown(number, beat())
    changes.awaited.abandon(number)
    throw new GridError('OUTCOME_UNKNOWN', `${this.#what(write)}: the connection was lost, and nobody can say whether it was made`, {
      cause: error,
    })
  }

  #attempt(write: DriverWrite, number: number): Attempt {
    const { hybrid, clock, session } = this.#options
    const [version, atMs] = [hybrid.next(), clock.now()]
    const stored = packFrame({
      kind: write.type,
      version,
      session,
      number,
      stampMs: atMs,
      ttlMs: write.ttlMs,
      bytes: write.pack(version, atMs),
    })
    return { version, atMs, stored }
  }

  #swapped(key: string, ended: Promise<void>): void {
    if (this.#swapping.get(key) === ended) this.#swapping.delete(key)
  }

  #void(number: number): void {
    this.#options.own.voided(number, this.#options.beat())
    this.#options.changes.awaited.abandon(number)
    this.#options.changes.done(this.#options.session, number)
  }

  #checkOver(write: DriverWrite, raw: Buffer | null): void {
    if (raw === null) return
    const frame = readFrame(raw)
    const place = `${quote(write.key)} of map ${quote(this.#options.map)}`
    if (frame === undefined)
      throw new GridError('BAD_ENVELOPE', `${place}: what is stored there was not written by a grid; it was left untouched`)
    this.#options.hybrid.see(frame.version)
    if (frame.version >= HIGHEST_VERSION)
      throw new GridError('BAD_ENVELOPE', `${place}: its version ${frame.version} comes from no clock there is`)
  }
}
