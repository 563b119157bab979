import type { Ring } from './ring.ts'

/** A span that is not a transition: what an instrumentation saw an agent do. */
export interface GuestSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentId: string | undefined
  readonly name: string
  readonly tookMs: number
  readonly failed: boolean
  /** The span itself, as it will be exported. */
  readonly span: object
}

/** Spans of instrumentations that wait, at most: each is an object of some kilobytes (I6). */
const MAX_GUESTS = 8192

/** Lets the oldest go when there are too many; its trace then lacks a span, and says so. */
export class GuestBound {
  readonly #ring: Ring
  readonly #held = new Float64Array(MAX_GUESTS).fill(-1)
  #next = 0

  constructor(ring: Ring) {
    this.#ring = ring
  }

  /** The record with that number will hold a span. */
  hold(seq: number): void {
    const slot = this.#next % MAX_GUESTS
    this.#next += 1
    const oldest = this.#held[slot] as number
    if (oldest >= 0 && this.#ring.find(oldest) >= 0 && this.#ring.extra(oldest)?.guest !== undefined) {
      this.#ring.setExtra(oldest, undefined)
    }
    this.#held[slot] = seq
  }
}
