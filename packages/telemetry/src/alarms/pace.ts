/** How much of the longest gap is remembered at the next decision. */
const MEMORY = 0.999
/** Quiet is what takes so many times the longest gap of late. */
const GAPS = 2
/** And longer than this: nobody is called back from a short break. */
const LEAST_QUIET_MS = 600_000

/** When somebody decides, and how long it usually takes until the next time: by that it is told that nobody decides any more. Pure. */
export class Pace {
  #lastAtMs: number | undefined
  #gapMs = 0

  decided(nowMs: number): void {
    if (this.#lastAtMs !== undefined) this.#gapMs = Math.max(nowMs - this.#lastAtMs, this.#gapMs * MEMORY)
    this.#lastAtMs = nowMs
  }

  /** As the one of the two that decided last. */
  join(other: Pace): void {
    this.#gapMs = Math.max(this.#gapMs, other.#gapMs)
    if (other.#lastAtMs !== undefined) this.#lastAtMs = Math.max(this.#lastAtMs ?? 0, other.#lastAtMs)
  }

  isQuiet(nowMs: number): boolean {
    return nowMs - (this.#lastAtMs ?? nowMs) > Math.max(LEAST_QUIET_MS, GAPS * this.#gapMs)
  }
}
