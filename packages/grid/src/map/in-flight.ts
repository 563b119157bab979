import type { Clock, TimerHandle } from '../time/clock.ts'
import { GridError, isGridError } from '../errors.ts'

export interface InFlightOptions {
  readonly clock: Clock
  readonly deadlineMs: number
  readonly maxInFlight: number
}

/** The queue lets go of what has left it after so many. */
const CLEAR_EVERY = 1024

/** What takes a place among them. A class, so that one object can be all there is of a write under way. */
export abstract class Operation {
  /** Set when it enters. */
  deadlineAtMs = 0
  begun = false
  /** It changes nothing, so where it fails there is nothing of which one could not say whether it was made. */
  get reads(): boolean {
    return false
  }
  /** In words: what errors begin with. */
  abstract what(): string
  /** It has its place, until `InFlight.ended` is told. Throws nothing. */
  abstract begin(): void
  /** It is too late, or it is not begun at all: whoever waits is told. It may end later all the same. */
  abstract refuse(error: GridError): void
}

/**
 * A bounded number of operations at a time, each with a deadline. A slow backend holds back those who await it, not their
 * memory (I6), and nobody waits for ever (I8). An operation that outlives its deadline keeps its place until it really ends,
 * because until then the backend keeps its memory too.
 */
export class InFlight {
  readonly #options: InFlightOptions
  /** Begun or waiting, and not yet told that it is too late. */
  readonly #pending = new Set<Operation>()
  /** In the order of their calls, from `#next` on; some may have been refused meanwhile. */
  #queue: Operation[] = []
  #next = 0
  #waiting = 0
  #running = 0
  #filling = false
  #closed = false
  #timer: TimerHandle | undefined

  constructor(options: InFlightOptions) {
    this.#options = options
  }

  get deadlineMs(): number {
    return this.#options.deadlineMs
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#waiting
  }

  /** Begins inside the call if there is a place. Throws `GridError` TIMEOUT, CLOSED (it was begun) or BUSY (it was not). */
  run<T>(what: string | (() => string), operate: () => Promise<T>, reads = false): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.enter(new Call(this, what, operate, reads, resolve, reject))
    })
  }

  /** The same for one that says itself when it has ended. */
  enter(operation: Operation): void {
    const { clock, deadlineMs, maxInFlight } = this.#options
    operation.deadlineAtMs = clock.now() + deadlineMs
    this.#pending.add(operation)
    if (this.#timer === undefined) this.#arm()
    if (this.#running < maxInFlight) this.#begin(operation)
    else {
      this.#queue.push(operation)
      this.#waiting++
    }
  }

  /** Its place is free. Said once of each that was begun. */
  ended(operation: Operation): void {
    this.#running--
    this.#pending.delete(operation)
    if (this.#waiting > 0) this.#fill()
    if (this.#pending.size === 0) this.#arm()
  }

  /** What has not begun is refused; what has is left to the backend, until its deadline. */
  close(): void {
    this.#closed = true
    for (const waiting of this.#queue.splice(0).slice(this.#next)) {
      if (this.#pending.delete(waiting)) waiting.refuse(new GridError('CLOSED', 'the grid was closed; nothing was sent'))
    }
    this.#next = 0
    this.#waiting = 0
    this.#arm()
  }

  /** What one that was begun has failed with. A connection that is lost because the grid was closed is not made again. */
  reasonOf(operation: Operation, error: unknown): unknown {
    if (!this.#closed || !(isGridError(error, 'OFFLINE') || isGridError(error, 'OUTCOME_UNKNOWN'))) return error
    const outcome = operation.reads ? '' : ': outcome unknown'
    return new GridError('CLOSED', `${operation.what()}: the grid was closed before it ended${outcome}`, { cause: error })
  }

  #begin(operation: Operation): void {
    this.#running++
    operation.begun = true
    operation.begin()
  }

  // In a loop, because one that fails at once ends inside it.
  #fill(): void {
    if (this.#filling) return
    this.#filling = true
    while (this.#waiting > 0 && this.#running < this.#options.maxInFlight) {
      const next = this.#queue[this.#next++] as Operation
      if (this.#next === this.#queue.length || this.#next === CLEAR_EVERY) {
        this.#queue.splice(0, this.#next)
        this.#next = 0
      }
      // Those that were refused are not pending any more.
      if (!this.#pending.has(next)) continue
      this.#waiting--
      this.#begin(next)
    }
    this.#filling = false
  }

  #arm(): void {
    const { clock, deadlineMs } = this.#options
    if (this.#pending.size === 0 && this.#timer !== undefined) {
      clock.clearTimeout(this.#timer)
      this.#timer = undefined
    }
    if (this.#pending.size > 0) this.#timer ??= clock.setTimeout(() => this.#expire(), deadlineMs)
  }

  #expire(): void {
    const { clock } = this.#options
    this.#timer = undefined
    const nowMs = clock.now()
    // They stand in the order of their deadlines.
    for (const pending of this.#pending) {
      if (pending.deadlineAtMs > nowMs) {
        this.#timer = clock.setTimeout(() => this.#expire(), pending.deadlineAtMs - nowMs)
        return
      }
      this.#pending.delete(pending)
      if (!pending.begun) this.#waiting--
      pending.refuse(this.#late(pending))
    }
  }

  #late(operation: Operation): GridError {
    const { maxInFlight, deadlineMs } = this.#options
    const what = operation.what()
    if (operation.begun)
      return new GridError('TIMEOUT', `${what} did not end within ${deadlineMs} ms${operation.reads ? '' : ': outcome unknown'}`)
    return new GridError('BUSY', `${what}: ${maxInFlight} operations were under way for ${deadlineMs} ms; nothing was sent`)
  }
}

class Call<T> extends Operation {
  readonly #inFlight: InFlight
  readonly #what: string | (() => string)
  readonly #operate: () => Promise<T>
  readonly #reads: boolean
  readonly #resolve: (value: T) => void
  readonly #reject: (error: unknown) => void

  constructor(
    inFlight: InFlight,
    what: string | (() => string),
    operate: () => Promise<T>,
    reads: boolean,
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
  ) {
    super()
    this.#inFlight = inFlight
    this.#what = what
    this.#operate = operate
    this.#reads = reads
    this.#resolve = resolve
    this.#reject = reject
  }

  override get reads(): boolean {
    return this.#reads
  }

  // Made only where it is said: it costs more than the rest.
  what(): string {
    return typeof this.#what === 'string' ? this.#what : this.#what()
  }

  begin(): void {
    this.#started().then(
      (value) => {
        this.#inFlight.ended(this)
        this.#resolve(value)
      },
      (error: unknown) => {
        this.#inFlight.ended(this)
        this.#reject(this.#inFlight.reasonOf(this, error))
      },
    )
  }

  refuse(error: GridError): void {
    this.#reject(error)
  }

  #started(): Promise<T> {
    try {
      return this.#operate()
    } catch (error) {
      return Promise.reject(error as GridError)
    }
  }
}
