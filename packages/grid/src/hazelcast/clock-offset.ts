/**
 * How far another process's monotonic clock is from this one's: an upper bound, from the stamps of its beats. A beat cannot
 * arrive before it was sent, so `arrival here - stamp there` is never below the true offset; the smallest of them is nearest.
 * The clocks drift apart, so only the last seconds count: two windows, the running one and the one before.
 */
export class ClockOffset {
  readonly #windowMs: number
  #startedAtMs = -Infinity
  #current = Infinity
  #before = Infinity

  constructor(windowMs = 5000) {
    this.#windowMs = windowMs
  }

  heard(stampMs: number, arrivedAtMs: number): void {
    const offset = arrivedAtMs - stampMs
    if (arrivedAtMs - this.#startedAtMs > this.#windowMs) {
      this.#before = this.#current
      this.#current = Infinity
      this.#startedAtMs = arrivedAtMs
    }
    if (offset < this.#current) this.#current = offset
  }

  /** A local time at or after the one at which the other clock showed `stampMs`; undefined if nothing was heard yet. */
  latest(stampMs: number): number | undefined {
    const offset = Math.min(this.#current, this.#before)
    return offset === Infinity ? undefined : stampMs + offset
  }
}
