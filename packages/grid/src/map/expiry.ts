import type { Clock, TimerHandle } from '../time/clock.ts'
import type { Entry } from './entry.ts'
import { Heap } from '../time/heap.ts'

/** What has a time to live, or none. */
export type Expiring = Pick<Entry<unknown>, 'version' | 'ttlMs' | 'acceptedAtMs'>

/** Local monotonic time from which on the entry is gone. */
export function endsAtMs(entry: Expiring): number {
  return entry.ttlMs === undefined ? Infinity : entry.acceptedAtMs + entry.ttlMs
}

export interface ExpiryOptions<E extends Expiring> {
  readonly clock: Clock
  /** Still the entry of its key? Overwritten ones are left in the heap until their time and then passed over. */
  readonly isPresent: (entry: E) => boolean
  /** Number of entries present: overwritten ones may not take more memory than that. */
  readonly presentCount: () => number
  /** The entry's time has come. Called in the order of time, then of commit. */
  readonly onDue: (entry: E) => void
}

/** Ends entries when their time to live is over, also those nobody reads: a heap, and one timer for its top. */
export class Expiry<E extends Expiring> {
  readonly #options: ExpiryOptions<E>
  readonly #heap = new Heap<E>((a, b) => endsAtMs(a) < endsAtMs(b) || (endsAtMs(a) === endsAtMs(b) && a.version < b.version))
  #timer: TimerHandle | undefined
  #timerAtMs = Infinity

  constructor(options: ExpiryOptions<E>) {
    this.#options = options
  }

  get size(): number {
    return this.#heap.size
  }

  add(entry: E): void {
    this.#heap.push(entry)
    if (this.#heap.size > 2 * this.#options.presentCount() + 64) this.#heap.retain(this.#options.isPresent)
    this.#arm()
  }

  /** Ends what is due now. */
  sweep(): void {
    const nowMs = this.#options.clock.now()
    for (let top = this.#heap.peek(); top !== undefined && endsAtMs(top) <= nowMs; top = this.#heap.peek()) {
      this.#heap.pop()
      if (this.#options.isPresent(top)) this.#options.onDue(top)
    }
  }

  clear(): void {
    this.#heap.clear()
    this.#disarm()
  }

  #arm(): void {
    const top = this.#heap.peek()
    if (top === undefined || endsAtMs(top) >= this.#timerAtMs) return
    this.#disarm()
    const { clock } = this.#options
    this.#timerAtMs = endsAtMs(top)
    this.#timer = clock.setTimeout(() => {
      this.#disarm()
      // The timer may be early, or clamped: sweep looks at the clock, and what is not due yet is armed again.
      this.sweep()
      this.#arm()
    }, this.#timerAtMs - clock.now())
  }

  #disarm(): void {
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#timerAtMs = Infinity
  }
}
