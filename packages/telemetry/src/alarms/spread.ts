import type { TraceContext } from '@stigmergy/grid'

/** A failure of an agent. */
export interface SpreadFailure {
  readonly agentId: string
  readonly agentType: string
  readonly trace: TraceContext | undefined
  readonly atMs: number
  readonly message: string
}

/** A failure with the one that caused it, if one did: the newest earlier failure of another agent in the same trace. */
export interface InfectedFailure {
  readonly failure: SpreadFailure
  readonly cause: SpreadFailure | undefined
}

export interface SpreadReading {
  /** Failures with a cause per failure without one, in the window. Above 1 each failure makes more than one other. */
  readonly reproduction: number
  readonly secondary: number
  readonly infected: InfectedFailure
}

/**
 * How failures spread along causal links: in one trace, a failure that follows another agent's failure is taken for its effect.
 * Pure; holds the failures of the last `windowMs`, `maxFailures` at most (I6).
 */
export class Spread {
  readonly #windowMs: number
  readonly #maxFailures: number
  #failures: InfectedFailure[] = []

  constructor(windowMs: number, maxFailures: number) {
    this.#windowMs = windowMs
    this.#maxFailures = maxFailures
  }

  /** The failures of the window, each with its cause: the tree of an infection, oldest first. */
  get failures(): readonly InfectedFailure[] {
    return this.#failures
  }

  failed(failure: SpreadFailure): SpreadReading {
    this.#forget(failure.atMs)
    const infected = { failure, cause: this.#causeOf(failure) }
    this.#failures.push(infected)
    if (this.#failures.length > this.#maxFailures) this.#failures.shift()
    return { ...this.#count(), infected }
  }

  /** As `failed`, when time has passed. */
  reading(nowMs: number): Omit<SpreadReading, 'infected'> {
    this.#forget(nowMs)
    return this.#count()
  }

  #count(): Omit<SpreadReading, 'infected'> {
    const secondary = this.#failures.filter(({ cause }) => cause !== undefined).length
    const primary = this.#failures.length - secondary
    // Where the first one is out of the window, what it caused is still here: count it as one.
    return { reproduction: secondary === 0 ? 0 : secondary / Math.max(1, primary), secondary }
  }

  #causeOf({ agentId, trace }: SpreadFailure): SpreadFailure | undefined {
    if (trace === undefined) return undefined
    const { traceId } = trace
    return this.#failures.findLast(({ failure }) => failure.trace?.traceId === traceId && failure.agentId !== agentId)?.failure
  }

  #forget(nowMs: number): void {
    const oldestMs = nowMs - this.#windowMs
    if ((this.#failures[0]?.failure.atMs ?? Infinity) < oldestMs)
      this.#failures = this.#failures.filter(({ failure }) => failure.atMs >= oldestMs)
  }
}
