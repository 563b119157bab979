import type { IMap } from 'hazelcast-client'
import type { Clock } from '../time/clock.ts'
import type { DriverWrite } from '../driver.ts'
import { GridError, isGridError, quote } from '../errors.ts'
import type { Committed } from './attempt.ts'
import type { Changes } from './changes.ts'
import { isRefusal, toGridError } from './client-errors.ts'
import { readFrame, type Frame } from './frame.ts'
import { isSameWrite } from './known-keys.ts'
import type { OwnWrites } from './own-writes.ts'

export interface OutcomesOptions {
  readonly map: string
  readonly session: string
  /** Real time. */
  readonly realClock: Clock
  readonly deadlineMs: number
  readonly changes: Changes
  readonly own: OwnWrites
  /** The next beat. */
  readonly beat: () => number
  /** Resolves with the map of the present connection, once its changes are listened to. Throws `GridError` OFFLINE. */
  readonly ready: () => IMap<string, Buffer> | Promise<IMap<string, Buffer>>
}

/** A write whose answer was lost. */
export interface Lost {
  readonly write: DriverWrite
  readonly number: number
  /** With what was applied here. */
  readonly applied: Promise<Frame | undefined>
  /** What was answered instead. */
  readonly error: unknown
  /** Makes it again; false: something else is there by now. */
  readonly again: (imap: IMap<string, Buffer>) => Promise<boolean>
}

const RETRY_MS = 20

/** What became of the writes of one map whose answer was lost, or that were not made. */
export class Outcomes {
  readonly #options: OutcomesOptions

  constructor(options: OutcomesOptions) {
    this.#options = options
  }

  /** Whether it was made is found out by its number, or it is made again, until its deadline. */
  async settle({ write, number, applied, error, again }: Lost): Promise<Committed> {
    const { own, changes, session, realClock, deadlineMs, beat } = this.#options
    if (isRefusal(error)) {
      this.void(number)
      throw toGridError(error, this.what(write))
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
    throw new GridError('OUTCOME_UNKNOWN', `${this.what(write)}: the connection was lost, and nobody can say whether it was made`, {
      cause: error,
    })
  }

  /** It was certainly not made. */
  void(number: number): void {
    const { own, changes, session, beat } = this.#options
    own.voided(number, beat())
    changes.awaited.abandon(number)
    changes.done(session, number)
  }

  what({ type, key }: DriverWrite): string {
    return `${type} of ${quote(key)} of map ${quote(this.#options.map)}`
  }
}
