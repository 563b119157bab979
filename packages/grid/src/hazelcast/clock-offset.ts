/**
 * How far another process's monotonic clock is from this one's, between two bounds, from its beats. A beat cannot arrive before it
 * was sent, so `arrival here - stamp there` is never below the true offset; and it was sent after its sender had heard a beat of
 * ours, so `our sending - stamp there` is never above it. The nearest ones count. The clocks drift apart, so only those of the
 * last seconds do: two windows, the running one and the one before.
 */
export class ClockOffset {
  readonly #windowMs: number
  #startedAtMs = -Infinity
  #current = { highest: Infinity, lowest: -Infinity }
  #before = { highest: Infinity, lowest: -Infinity }

  constructor(windowMs = 5000) {
    this.#windowMs = windowMs
  }

  /** `echoOfMs`: when this process sent the beat that the sender had heard. All three are times of the clocks that stamp. */
  heard(stampMs: number, arrivedAtMs: number, echoOfMs?: number): void {
    if (arrivedAtMs - this.#startedAtMs > this.#windowMs) {
      this.#before = this.#current
      this.#current = { highest: Infinity, lowest: -Infinity }
      this.#startedAtMs = arrivedAtMs
    }
    const current = this.#current
    current.highest = Math.min(current.highest, arrivedAtMs - stampMs)
    if (echoOfMs !== undefined) current.lowest = Math.max(current.lowest, echoOfMs - stampMs)
  }

  /** A local time at or after the one at which the other clock showed `stampMs`; undefined if nothing was heard yet. */
  latest(stampMs: number): number | undefined {
    const offset = Math.min(this.#current.highest, this.#before.highest)
    return offset === Infinity ? undefined : stampMs + offset
  }

  /** A local time at or before it; undefined if nothing was heard yet. */
  earliest(stampMs: number): number | undefined {
    const offset = Math.max(this.#current.lowest, this.#before.lowest)
    return offset === -Infinity ? undefined : stampMs + offset
  }
}
