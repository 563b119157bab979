/** A circuit breaker as a pure machine (Nygard, *Release It!*): what follows from a state, an event, the time and one random number. */
export interface BreakerOptions {
  /** So many failures in a row open it. @default 5 */
  readonly failures?: number
  /** How long it stays open the first time, in milliseconds. @default 1000 */
  readonly openMs?: number
  /** The longest. @default 30_000 */
  readonly maxOpenMs?: number
  /** It stays open that much longer each time a probe fails. @default 2 */
  readonly factor?: number
  /** Part of that time that is random, 0 to 1: it is shortened by up to this part. @default 0.2 */
  readonly jitter?: number
  /** Calls let through at a time while it is half open; so many successes close it. @default 1 */
  readonly probes?: number
}

export type ResolvedBreakerOptions = Required<BreakerOptions>

export type BreakerState = 'closed' | 'open' | 'half-open'

/** `era`: a number for each change of state; what a call says that began in another era counts no more. */
export type Breaker = { readonly era: number; /** Openings since it was last closed. */ readonly trips: number } & (
  | { readonly state: 'closed'; readonly failures: number }
  | { readonly state: 'open'; readonly untilMs: number }
  | { readonly state: 'half-open'; readonly underWay: number; readonly succeeded: number }
)

export const CLOSED: Breaker = { state: 'closed', era: 0, trips: 0, failures: 0 }

/** Time has passed: an open breaker whose time is over is half open. */
export function elapse(breaker: Breaker, nowMs: number): Breaker {
  if (breaker.state !== 'open' || nowMs < breaker.untilMs) return breaker
  return { state: 'half-open', era: breaker.era + 1, trips: breaker.trips, underWay: 0, succeeded: 0 }
}

/** A call wants to begin: the breaker with it under way, or undefined if it may not. */
export function admit(breaker: Breaker, options: ResolvedBreakerOptions): Breaker | undefined {
  if (breaker.state === 'closed') return breaker
  if (breaker.state === 'open') return undefined
  const { underWay, succeeded } = breaker
  return underWay + succeeded < options.probes ? { ...breaker, underWay: underWay + 1 } : undefined
}

/** A call that began in `era` has ended. `void`: it says nothing, because its caller gave up. */
export function settle(
  breaker: Breaker,
  era: number,
  outcome: 'success' | 'failure' | 'void',
  options: ResolvedBreakerOptions,
  random: number,
  nowMs: number,
): Breaker {
  if (breaker.era !== era || breaker.state === 'open') return breaker
  if (outcome === 'failure') {
    const failures = breaker.state === 'closed' ? breaker.failures + 1 : options.failures
    return failures < options.failures ? { ...breaker, state: 'closed', failures } : open(breaker, options, random, nowMs)
  }
  if (breaker.state === 'closed') return outcome === 'void' || breaker.failures === 0 ? breaker : { ...breaker, failures: 0 }
  const underWay = breaker.underWay - 1
  if (outcome === 'void') return { ...breaker, underWay }
  const succeeded = breaker.succeeded + 1
  if (succeeded < options.probes) return { ...breaker, underWay, succeeded }
  return { state: 'closed', era: era + 1, trips: 0, failures: 0 }
}

function open({ era, trips }: Breaker, options: ResolvedBreakerOptions, random: number, nowMs: number): Breaker {
  const fullMs = Math.min(options.maxOpenMs, options.openMs * options.factor ** trips)
  return { state: 'open', era: era + 1, trips: trips + 1, untilMs: nowMs + fullMs * (1 - options.jitter * random) }
}
