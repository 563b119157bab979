import type { TraceContext } from '@stigmergy/grid'

/** Contexts remembered at most, of all traces. */
const MAX_CAUSES = 16_384

/** What transitions of a trace were linked to, until it is known whether the trace is kept. Bounded (I6): the oldest traces are forgotten. */
export class Causes {
  readonly #byTrace = new Map<number, TraceContext[]>()
  #size = 0

  add(trace: number, cause: TraceContext): void {
    const known = this.#byTrace.get(trace)
    if (known === undefined) this.#byTrace.set(trace, [cause])
    else known.push(cause)
    this.#size += 1
    for (const oldest of this.#byTrace.keys()) {
      if (this.#size <= MAX_CAUSES) break
      this.take(oldest)
    }
  }

  /** All of that trace. They are forgotten. */
  take(trace: number): readonly TraceContext[] {
    const taken = this.#byTrace.get(trace) ?? []
    this.#byTrace.delete(trace)
    this.#size -= taken.length
    return taken
  }
}
