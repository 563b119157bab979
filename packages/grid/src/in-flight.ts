import type { Clock, TimerHandle } from './clock.ts'
import { GridError } from './errors.ts'

export interface InFlightOptions {
  readonly clock: Clock
  readonly deadlineMs: number
  readonly maxInFlight: number
}

interface Pending {
  readonly deadlineAtMs: number
  readonly expire: () => void
}

interface Waiting extends Pending {
  readonly begin: () => void
  readonly refuse: (error: GridError) => void
}

/**
 * A bounded number of operations at a time, each with a deadline. A slow backend holds back those who await it, not their
 * memory (I6), and nobody waits for ever (I8). An operation that outlives its deadline keeps its place until it really ends,
 * because until then the backend keeps its memory too.
 */
export class InFlight {
  readonly #options: InFlightOptions
  /** Begun or waiting, and not yet told that it is too late. */
  readonly #pending = new Set<Pending>()
  readonly #waiting = new Set<Waiting>()
  #running = 0
  #timer: TimerHandle | undefined

  constructor(options: InFlightOptions) {
    this.#options = options
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Begins inside the call if there is a place. Throws `GridError` TIMEOUT (it was begun) or BUSY (it was not). */
  run<T>(what: string | (() => string), operate: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const deadlineAtMs = this.#options.clock.now() + this.#options.deadlineMs
      if (this.#running < this.#options.maxInFlight) this.#begin(what, operate, deadlineAtMs, resolve, reject)
      else this.#wait(what, deadlineAtMs, () => this.#begin(what, operate, deadlineAtMs, resolve, reject), reject)
      if (this.#timer === undefined) this.#arm()
    })
  }

  /** What has not begun is refused; what has is left to the backend, until its deadline. */
  close(): void {
    for (const waiting of this.#waiting) {
      this.#pending.delete(waiting)
      waiting.refuse(new GridError('CLOSED', 'the grid was closed; nothing was sent'))
    }
    this.#waiting.clear()
    this.#arm()
  }

  #wait(what: string | (() => string), deadlineAtMs: number, begin: () => void, refuse: (error: GridError) => void): void {
    const { deadlineMs, maxInFlight } = this.#options
    const waiting: Waiting = {
      deadlineAtMs,
      begin: () => {
        this.#pending.delete(waiting)
        begin()
      },
      refuse,
      expire: () => {
        this.#waiting.delete(waiting)
        const text = `${inWords(what)}: ${maxInFlight} operations were under way for ${deadlineMs} ms; nothing was sent`
        refuse(new GridError('BUSY', text))
      },
    }
    this.#pending.add(waiting)
    this.#waiting.add(waiting)
  }

  #begin<T>(
    what: string | (() => string),
    operate: () => Promise<T>,
    deadlineAtMs: number,
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
  ): void {
    const begun: Pending = { deadlineAtMs, expire: () => reject(timeout(inWords(what), this.#options.deadlineMs)) }
    this.#pending.add(begun)
    this.#running++
    let operation: Promise<T>
    try {
      operation = operate()
    } catch (error) {
      operation = Promise.reject(error)
    }
    operation.then(
      (value) => {
        this.#end(begun)
        resolve(value)
      },
      (error: unknown) => {
        this.#end(begun)
        reject(error)
      },
    )
  }

  #end(begun: Pending): void {
    this.#running--
    this.#pending.delete(begun)
    const [next] = this.#waiting
    if (next !== undefined) {
      this.#waiting.delete(next)
      next.begin()
    }
    if (this.#pending.size === 0) this.#arm()
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
    let soonestMs = Infinity
    for (const pending of this.#pending) {
      if (pending.deadlineAtMs > nowMs) soonestMs = Math.min(soonestMs, pending.deadlineAtMs)
      else {
        this.#pending.delete(pending)
        pending.expire()
      }
    }
    if (soonestMs < Infinity) this.#timer = clock.setTimeout(() => this.#expire(), soonestMs - nowMs)
  }
}

// Made only where it is said: it costs more than the rest.
function inWords(what: string | (() => string)): string {
  return typeof what === 'string' ? what : what()
}

function timeout(what: string, deadlineMs: number): GridError {
  return new GridError('TIMEOUT', `${what} did not end within ${deadlineMs} ms: outcome unknown`)
}
