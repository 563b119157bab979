import { rateCusum, type RateCusum } from './rate-cusum.ts'

/** It is over after so many times the usual gap between events without one: by chance that happens once in a thousand gaps. */
const QUIET_GAPS = 7
/** And not sooner than this: a burst of one tick says nothing about what follows. */
const QUIET_MS = 10_000

/**
 * Events in time, held against an expected rate by a CUSUM: are there lastingly more? Pure: times are given. Once above its limit it stays
 * so until the sum is back at 0, or the events that brought it there have stopped: what a burst leaves in the sum would take hours to be
 * forgotten where one event an hour is expected.
 */
export class Excess {
  readonly cusum: RateCusum
  /** What the sum forgets in a millisecond. */
  readonly #forgets: number
  #sum = 0
  #above = false
  #lastMs = 0
  /** Since the sum was 0: when the first event came, and how many came after it. */
  #firstMs = 0
  #more = 0

  /** `times`: the factor to find; `runLength`: expected events between false alarms. */
  constructor(expectedPerMs: number, times: number, runLength: number) {
    this.cusum = rateCusum(times, runLength)
    this.#forgets = expectedPerMs * this.cusum.k
  }

  add(nowMs: number): void {
    this.#settle(nowMs)
    const before = this.sum(nowMs)
    if (before === 0) [this.#firstMs, this.#more] = [nowMs, 0]
    else this.#more += 1
    // Bounded, so that the end of the trouble is seen soon.
    this.#sum = Math.min(this.cusum.h + 1, before + 1)
    this.#above ||= this.#sum >= this.cusum.h
    this.#lastMs = nowMs
  }

  /** What it is now, where nothing came since. */
  sum(nowMs: number): number {
    return Math.max(0, this.#sum - (nowMs - this.#lastMs) * this.#forgets)
  }

  above(nowMs: number): boolean {
    this.#settle(nowMs)
    return this.#above
  }

  /** When it is no longer above, where nothing comes until then. */
  get endsAtMs(): number {
    const gapMs = (this.#lastMs - this.#firstMs) / Math.max(1, this.#more)
    return this.#lastMs + Math.min(this.#sum / this.#forgets, Math.max(QUIET_MS, QUIET_GAPS * gapMs))
  }

  /** What is over leaves nothing behind. */
  #settle(nowMs: number): void {
    if (this.#above && nowMs >= this.endsAtMs) [this.#above, this.#sum] = [false, 0]
  }
}
