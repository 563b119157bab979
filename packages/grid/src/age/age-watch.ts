import type { Clock, TimerHandle } from '../time/clock.ts'
import type { AgeEvent } from '../grid.ts'

export interface AgeWatchOptions {
  readonly maxAgeMs: number
  readonly clock: Clock
  readonly ageMs: () => number
  /** The part of the age that falls without this process being told: while it is above 0, only looking again helps. */
  readonly replicaAgeMs: () => number
  readonly listener: (event: AgeEvent, ageMs: number) => unknown
  readonly onError: (error: unknown) => void
}

/**
 * Tells when an age crosses its bound (I4). While it is fresh, one timer stands at the moment it could cross: an age grows no
 * faster than time passes. Being heard judges the age there was just before, too: a late timer hides no gap.
 */
export class AgeWatch {
  readonly #options: AgeWatchOptions
  #stale = false
  #closed = false
  #timer: TimerHandle | undefined

  constructor(options: AgeWatchOptions) {
    this.#options = options
    this.judge()
  }

  /** The source was heard, its age having been that; undefined: it is gone. */
  heard(beforeMs: number | undefined): void {
    // What was never heard has no age: that it is stale was told at the start.
    if (beforeMs !== undefined && beforeMs !== Infinity) this.#state(beforeMs + this.#options.replicaAgeMs())
    this.judge()
  }

  judge(): void {
    if (this.#closed) return
    const { maxAgeMs, clock, ageMs, replicaAgeMs } = this.#options
    const nowMs = ageMs()
    this.#state(nowMs)
    this.#disarm()
    // A source that is silent ends that by being heard, so nothing has to be looked at meanwhile.
    const waitMs = this.#stale ? (replicaAgeMs() > 0 ? Math.min(Math.max(maxAgeMs / 4, 1), 50) : Infinity) : Math.max(maxAgeMs - nowMs, 1)
    if (waitMs === Infinity) return
    this.#timer = clock.setTimeout(() => this.judge(), waitMs)
  }

  close(): void {
    this.#closed = true
    this.#disarm()
  }

  #state(ageMs: number): void {
    const stale = ageMs > this.#options.maxAgeMs
    if (stale === this.#stale || this.#closed) return
    this.#stale = stale
    queueMicrotask(() => this.#tell(stale ? 'stale' : 'fresh', ageMs))
  }

  #tell(event: AgeEvent, ageMs: number): void {
    if (this.#closed) return
    const { listener, onError } = this.#options
    try {
      const result = listener(event, ageMs)
      if (result instanceof Promise) result.catch(onError)
    } catch (error) {
      onError(error)
    }
  }

  #disarm(): void {
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
