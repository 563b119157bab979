import type { TransitionEnd } from '@stigmergy/core'
import type { TraceContext } from '@stigmergy/grid'

/** A failure of an agent. */
export interface SpreadFailure {
  readonly agentId: string
  readonly agentType: string
  readonly trace: TraceContext | undefined
  readonly atMs: number
  readonly message: string
}

/** A failure with the one that caused it, if one did: the newest one of another agent that its event comes from. */
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

/** What a transition says of where its effects come from. */
export type Step = Pick<TransitionEnd, 'agent' | 'trace' | 'context' | 'error'>

/** The agents that failed in the transitions a span comes from, the newest first. */
interface Origin {
  readonly agentId: string
  readonly before: Origin | undefined
}

/** Spans that come from a failure and are remembered, and failures that one comes from: the oldest go first (I6). */
const MOST_SPANS = 4096
const MOST_ORIGINS = 8

/**
 * How failures spread along causal links: a failure is the effect of another agent's if the event it happened on comes from a transition
 * that failed, however many steps between. Agents that fail on one event, each by itself, are no effect of each other.
 * Pure; holds the failures of the last `windowMs`, `maxFailures` at most (I6).
 */
export class Spread {
  readonly #windowMs: number
  readonly #maxFailures: number
  #failures: InfectedFailure[] = []
  readonly #spans = new Map<string, Origin>()

  constructor(windowMs: number, maxFailures: number) {
    this.#windowMs = windowMs
    this.#maxFailures = maxFailures
  }

  /** The failures of the window, each with its cause: the tree of an infection, oldest first. */
  get failures(): readonly InfectedFailure[] {
    return this.#failures
  }

  /** A transition has ended: what it sent comes from what it came from, and from its own failure. */
  ended({ agent, trace, context, error }: Step): void {
    if (error === undefined && this.#spans.size === 0) return
    const cause = trace === undefined ? undefined : this.#spans.get(trace.spanId)
    const origin = error === undefined ? cause : shortened({ agentId: agent.id, before: cause })
    // Without a span of its own what it sends cannot be told from what others send in the trace.
    if (origin === undefined || context === undefined || context.spanId === trace?.spanId) return
    this.#spans.set(context.spanId, origin)
    if (this.#spans.size > MOST_SPANS) for (const oldest of this.#spans.keys()) if (this.#spans.delete(oldest)) break
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
    if (this.#failures.length === 0) this.#spans.clear()
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
    for (let origin = this.#spans.get(trace.spanId); origin !== undefined; origin = origin.before) {
      const { agentId: other } = origin
      if (other === agentId) continue
      const cause = this.#failures.findLast(({ failure }) => failure.agentId === other && failure.trace?.traceId === traceId)
      if (cause !== undefined) return cause.failure
    }
    return undefined
  }

  #forget(nowMs: number): void {
    const oldestMs = nowMs - this.#windowMs
    if ((this.#failures[0]?.failure.atMs ?? Infinity) < oldestMs)
      this.#failures = this.#failures.filter(({ failure }) => failure.atMs >= oldestMs)
  }
}

function shortened(origin: Origin): Origin {
  const agents: string[] = []
  for (let at: Origin | undefined = origin; at !== undefined && agents.length < MOST_ORIGINS; at = at.before) agents.push(at.agentId)
  return agents.reduceRight<Origin | undefined>((before, agentId) => ({ agentId, before }), undefined) as Origin
}
