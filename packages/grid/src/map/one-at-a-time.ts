import { GridError, quote } from '../errors.ts'
import type { Clock } from '../time/clock.ts'

export interface OneAtATimeOptions {
  readonly map: string
  readonly clock: Clock
  /** Of each call, with all its rounds and its waiting. */
  readonly deadlineMs: number
}

/** One call: what of it is told to those that wait for it. */
export interface Round {
  readonly what: string
  readonly key: string
  readonly untilMs: number
  /** What can be said of the call now, where it is too late. */
  stage: 'waiting' | 'asking' | 'committing'
  /** Something of it is under way: the next call of its key has to wait. */
  pending: boolean
  /** Its caller was told that it is too late: begin nothing more. */
  over: boolean
}

/**
 * Calls that look and then write, again until nobody came between: those of one key go one after the other, so that this process does not
 * race with itself and many cost no more rounds than there are calls. Each has one deadline for all of it (I8).
 */
export class OneAtATime {
  readonly #options: OneAtATimeOptions
  /** The end of the last call of each key. */
  readonly #last = new Map<string, Promise<void>>()

  constructor(options: OneAtATimeOptions) {
    this.#options = options
  }

  /** `make` begins inside the call if no other of that key is under way. Throws `GridError` BUSY (it was not begun) or TIMEOUT. */
  run<T>(what: string, key: string, make: (round: Round) => Promise<T>): Promise<T> {
    const { clock, deadlineMs } = this.#options
    const round: Round = { what, key, untilMs: clock.now() + deadlineMs, stage: 'waiting', pending: false, over: false }
    const before = this.#last.get(key)
    const made = before === undefined ? make(round) : before.then(() => this.#begin(round, make))
    // A backend that commits inside the call is done with it: the next may begin inside its own.
    if (before === undefined && !round.pending) return made
    const call = this.#inTime(round, made)
    const ended: Promise<void> = call.then(
      () => this.#ended(key, ended),
      () => this.#ended(key, ended),
    )
    this.#last.set(key, ended)
    return call
  }

  #begin<T>(round: Round, make: (round: Round) => Promise<T>): Promise<T> {
    // Timers of the same moment run one after the other, and what came before this one may have been refused by the first of them.
    if (round.over || this.#options.clock.now() >= round.untilMs) throw this.#late(round)
    return make(round)
  }

  #ended(key: string, ended: Promise<void>): void {
    if (this.#last.get(key) === ended) this.#last.delete(key)
  }

  #inTime<T>(round: Round, made: Promise<T>): Promise<T> {
    const { clock, deadlineMs } = this.#options
    return new Promise<T>((resolve, reject) => {
      const timer = clock.setTimeout(() => {
        round.over = true
        reject(this.#late(round))
      }, deadlineMs)
      made.then(resolve, reject).finally(() => clock.clearTimeout(timer))
    })
  }

  #late({ what, key, stage }: Round): GridError {
    const { map, deadlineMs } = this.#options
    const of = `${what} of ${quote(key)} of map ${quote(map)}`
    if (stage === 'waiting')
      return new GridError('BUSY', `${of}: others of this process were before it for ${deadlineMs} ms; nothing was sent`)
    const outcome = stage === 'asking' ? 'it was not made' : 'outcome unknown'
    return new GridError('TIMEOUT', `${of} did not end within ${deadlineMs} ms: ${outcome}`)
  }
}
