import type { Clock, TimerHandle } from './clock.ts'
import { GridError } from './errors.ts'

export interface InFlightOptions {
  readonly clock: Clock
  readonly deadlineMs: number
  readonly maxInFlight: number
}

type What = string | (() => string)

/** One of them, and who waits for it. */
class Operation {
  readonly what: What
  readonly deadlineAtMs: number
  readonly operate: () => Promise<unknown>
  readonly resolve: (value: never) => void
  readonly reject: (error: unknown) => void

  constructor(
    what: What,
    deadlineAtMs: number,
    operate: () => Promise<unknown>,
    resolve: (value: never) => void,
    reject: (error: unknown) => void,
  ) {
    this.what = what
    this.deadlineAtMs = deadlineAtMs
    this.operate = operate
    this.resolve = resolve
    this.reject = reject
  }
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
  readonly #waiting = new Set<Operation>()
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
  run<T>(what: What, operate: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const { clock, deadlineMs, maxInFlight } = this.#options
      const operation = new Operation(what, clock.now() + deadlineMs, operate, resolve, reject)
      this.#pending.add(operation)
      if (this.#running < maxInFlight) this.#begin(operation)
      else this.#waiting.add(operation)
      if (this.#timer === undefined) this.#arm()
    })
  }

  /** What has not begun is refused; what has is left to the backend, until its deadline. */
  close(): void {
    for (const waiting of this.#waiting) {
      this.#pending.delete(waiting)
      waiting.reject(new GridError('CLOSED', 'the grid was closed; nothing was sent'))
    }
    this.#waiting.clear()
    this.#arm()
  }

  #begin(operation: Operation): void {
    this.#running++
    started(operation).then(
      (value) => {
        this.#end(operation)
        operation.resolve(value as never)
      },
      (error: unknown) => {
        this.#end(operation)
        operation.reject(error)
      },
    )
  }

  #end(operation: Operation): void {
    this.#running--
    this.#pending.delete(operation)
    if (this.#waiting.size > 0) this.#beginNext()
    if (this.#pending.size === 0) this.#arm()
  }

  #beginNext(): void {
    const [next] = this.#waiting
    if (next === undefined) return
    this.#waiting.delete(next)
    this.#begin(next)
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
      pending.reject(this.#waiting.delete(pending) ? this.#busy(pending) : this.#timeout(pending))
    }
  }

  #busy({ what }: Operation): GridError {
    const { maxInFlight, deadlineMs } = this.#options
    return new GridError('BUSY', `${inWords(what)}: ${maxInFlight} operations were under way for ${deadlineMs} ms; nothing was sent`)
  }

  #timeout({ what }: Operation): GridError {
    return new GridError('TIMEOUT', `${inWords(what)} did not end within ${this.#options.deadlineMs} ms: outcome unknown`)
  }
}

function started({ operate }: Operation): Promise<unknown> {
  try {
    return operate()
  } catch (error) {
    return Promise.reject(error as GridError)
  }
}

// Made only where it is said: it costs more than the rest.
function inWords(what: What): string {
  return typeof what === 'string' ? what : what()
}
