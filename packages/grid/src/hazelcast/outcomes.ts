import type { IMap } from 'hazelcast-client'
import type { Clock } from '../time/clock.ts'
import { describeWrite, type DriverWrite } from '../driver.ts'
import { GridError, isGridError, quote } from '../errors.ts'
import { toCommitted, type Attempt, type Committed } from './attempt.ts'
import { isRefusal, toGridError } from './client-errors.ts'
import { readFrame, type Frame } from './frame.ts'
import { Guard } from './guard.ts'
import type { OwnCopy } from './own-copy.ts'
import type { OwnWrites } from './own-writes.ts'

export interface OutcomesOptions {
  readonly map: string
  readonly session: string
  /** Real time. */
  readonly realClock: Clock
  readonly deadlineMs: number
  readonly copy: OwnCopy
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
  /** With what was applied to the copy, if there is one. */
  readonly applied: Promise<Frame | undefined> | undefined
  /** What was answered instead. */
  readonly error: unknown
  /**
   * What it has become, if that is what the owner has, or was surely replaced by that. Undefined: it was not made. 'hidden': nobody can
   * say, because what the owner has came later.
   */
  readonly standing: (frame: Frame) => StandingWrite | 'hidden' | undefined
  /** Makes it again over exactly what was read; undefined: something else is there by now. */
  readonly again: (imap: IMap<string, Buffer>, raw: Buffer | null) => Promise<StandingWrite | undefined>
}

/** What a write has become. */
export type StandingWrite = Pick<Attempt, 'version' | 'atMs'>

const RETRY_MS = 20

/** What became of the writes of one map whose answer was lost, or that were not made. */
export class Outcomes {
  readonly #options: OutcomesOptions

  constructor(options: OutcomesOptions) {
    this.#options = options
  }

  /** Whether it was made is found out by its number, or it is made again, until its deadline. */
  async settle({ write, number, applied, error, standing, again }: Lost): Promise<Committed> {
    const { own, copy, realClock, deadlineMs } = this.#options
    if (isRefusal(error)) {
      this.void(number)
      throw toGridError(error, this.what(write))
    }
    let [seen, hidden] = [false, false]
    applied?.then(() => (seen = true)).catch(() => {})
    let stands: StandingWrite | undefined
    const untilMs = realClock.now() + deadlineMs
    while (!seen && !hidden && realClock.now() < untilMs) {
      try {
        const imap = await this.#options.ready()
        const raw = await imap.get(write.key)
        const frame = readFrame(raw)
        const found = frame && standing(frame)
        hidden = found === 'hidden'
        if (found === 'hidden') break
        stands = found ?? (await again(imap, raw))
        if (stands !== undefined) break
      } catch (reason) {
        if (isGridError(reason, 'CLOSED')) throw reason
        if (Guard.refused(reason)) {
          this.#unknown(number)
          throw reason
        }
      }
      await new Promise<void>((resolve) => realClock.setTimeout(resolve, RETRY_MS))
    }
    if (seen || (!hidden && realClock.now() < untilMs)) {
      own.made(number)
      const frame = await applied
      const { version, atMs } = (frame === undefined ? stands : toStanding(frame)) ?? { version: copy.versionOf(write.key) ?? 1, atMs: 0 }
      return toCommitted(version, atMs)
    }
    this.#unknown(number)
    throw new GridError('OUTCOME_UNKNOWN', `${this.what(write)}: the connection was lost, and nobody can say whether it was made`, {
      cause: error,
    })
  }

  /** It was certainly not made. */
  void(number: number): void {
    const { own, copy, session, beat } = this.#options
    own.voided(number, beat())
    copy.awaited?.abandon(number)
    copy.done(session, number)
  }

  // It may have been made, and replaced by what stands there.
  #unknown(number: number): void {
    const { own, copy, beat } = this.#options
    own.unknown(number, beat())
    copy.awaited?.abandon(number)
  }

  what(write: DriverWrite): string {
    return `${describeWrite(write)} of map ${quote(this.#options.map)}`
  }
}

/** The write that has this frame. */
export function toStanding({ version, stampMs }: Pick<Frame, 'version' | 'stampMs'>): StandingWrite {
  return { version, atMs: stampMs }
}
