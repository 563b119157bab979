import { GridError, isGridError, quote } from '../errors.ts'
import type { Clock } from '../time/clock.ts'

export interface OneAtATimeOptions {
  readonly map: string
  readonly clock: Clock
  /** Of each call, with all its rounds and its waiting. */
  readonly deadlineMs: number
}

/** One call, as it goes on. */
export class Round {
  /** In words: what errors begin with. Made only where it is said. */
  readonly what: () => string
  readonly deadlineMs: number
  readonly untilMs: number
  /** Something of it is under way: the next call of its key has to wait. */
  pending = false
  /** Its caller was told that it is too late. */
  over = false
  #stage: 'waiting' | 'asking' | 'committing' = 'waiting'

  constructor(what: () => string, deadlineMs: number, nowMs: number) {
    this.what = what
    this.deadlineMs = deadlineMs
    this.untilMs = nowMs + deadlineMs
  }

  /** What the owner says that is there. Throws where the answer is too late: nothing may be made of it any more. */
  async ask<T>(asked: () => Promise<T>): Promise<T> {
    this.#stage = 'asking'
    this.pending = true
    try {
      const answer = await asked()
      this.again()
      return answer
    } catch (error) {
      // Of the question; here it is the whole call that is late.
      throw isGridError(error, 'TIMEOUT') ? this.late() : error
    }
  }

  /** A commit was called. `told`: it was made inside the call. */
  committing(told: boolean): void {
    this.#stage = 'committing'
    this.pending ||= !told
  }

  /** Another came between: may it be tried again? Throws if it is too late, to nobody any more. */
  again(): void {
    if (this.over) throw this.late()
  }

  late(): GridError {
    const { deadlineMs } = this
    const what = this.what()
    if (this.#stage === 'waiting')
      return new GridError('BUSY', `${what}: others of this process were before it for ${deadlineMs} ms; nothing was sent`)
    const outcome = this.#stage === 'asking' ? 'it was not made' : 'outcome unknown'
    return new GridError('TIMEOUT', `${what} did not end within ${deadlineMs} ms: ${outcome}`)
  }
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
    const { map, clock, deadlineMs } = this.#options
    const round = new Round(() => `${what} of ${quote(key)} of map ${quote(map)}`, deadlineMs, clock.now())
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
    if (round.over || this.#options.clock.now() >= round.untilMs) throw round.late()
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
        reject(round.late())
      }, deadlineMs)
      made.then(resolve, reject).finally(() => clock.clearTimeout(timer))
    })
  }
}
