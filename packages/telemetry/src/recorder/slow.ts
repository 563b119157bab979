const WINDOW = 1024
const BUCKETS = 4 * 32
const SHARE = 0.99

/**
 * A limit that follows the 99th percentile of what was seen lately. Four buckets per doubling of microseconds; every `WINDOW` values the
 * limit is set anew and all counts are halved, so that the past fades. Until the first window is full nothing is slow.
 * What is over the limit is told at most `perSecond` times a second: one in a hundred of everything would be too much to keep.
 */
export class SlowLimit {
  /** Milliseconds; `Infinity` until enough was seen. */
  limitMs: number = Infinity
  readonly #perSecond: number
  readonly #counts = new Float64Array(BUCKETS)
  #seen = 0
  #nextMs = -Infinity

  constructor(perSecond: number) {
    this.#perSecond = perSecond
  }

  /** Counts a latency. True if it is over the limit and there is room to keep it. */
  over(latencyMs: number, nowMs: number): boolean {
    const bucket = bucketOf(latencyMs)
    const counts = this.#counts
    counts[bucket] = (counts[bucket] as number) + 1
    this.#seen += 1
    if (this.#seen === WINDOW) this.#settle()
    if (latencyMs <= this.limitMs || nowMs < this.#nextMs) return false
    this.#nextMs = nowMs + 1000 / this.#perSecond
    return true
  }

  #settle(): void {
    const counts = this.#counts
    const total = counts.reduce((sum, count) => sum + count, 0)
    let below = 0
    let bucket = 0
    while (bucket < BUCKETS - 1 && below + (counts[bucket] as number) < total * SHARE) below += counts[bucket++] as number
    this.limitMs = upperMs(bucket)
    for (let i = 0; i < BUCKETS; i++) counts[i] = (counts[i] as number) / 2
    this.#seen = 0
  }
}

/** Values from 4 microseconds on are told apart by their first three bits. */
function bucketOf(latencyMs: number): number {
  const us = Math.min(latencyMs * 1000, 2 ** 31) | 0
  if (us < 4) return us > 0 ? us : 0
  const log2 = 31 - Math.clz32(us)
  return Math.min(4 * (log2 - 1) + ((us >>> (log2 - 2)) & 3), BUCKETS - 1)
}

/** Where the bucket ends. */
function upperMs(bucket: number): number {
  if (bucket < 4) return (bucket + 1) / 1000
  const log2 = (bucket >> 2) + 1
  return (((bucket & 3) + 5) * 2 ** (log2 - 2)) / 1000
}
