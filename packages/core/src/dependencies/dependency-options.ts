import type { BreakerOptions, ResolvedBreakerOptions } from './breaker.ts'
import { functionOption, integerOption, numberOption, optionsOf, type Names } from '../check.ts'

export interface RetryOptions {
  /** How often a call is tried in all. @default 1 */
  readonly attempts?: number
  /** Pause before the second try, in milliseconds. @default 50 */
  readonly minMs?: number
  /** Longest pause. @default 1000 */
  readonly maxMs?: number
  /** The pause grows by this with each try. @default 2 */
  readonly factor?: number
  /** Part of the pause that is random, 0 to 1: it is shortened by up to this part. @default 0.2 */
  readonly jitter?: number
  /** Whether to try again after that error. Calls refused because it is open or busy are never tried again. @default always */
  when?(error: unknown): boolean
}

export interface BulkheadOptions {
  /** Calls under way at a time. @default 64 */
  readonly concurrent?: number
  /** Calls that may wait for a place. @default 64 */
  readonly waiting?: number
}

export interface DependencyOptions {
  /** How long one try may wait for a place and then run, each, in milliseconds. @default 1000 */
  readonly timeoutMs?: number
  readonly breaker?: BreakerOptions
  readonly bulkhead?: BulkheadOptions
  readonly retry?: RetryOptions
  /** Which errors speak against the dependency: a refused order may not. @default all */
  isFailure?(error: unknown): boolean
  /**
   * A call that shows whether it is well again: made when the breaker is half open, so that nobody's work is the probe.
   * @default the next call is the probe
   */
  probe?(signal: AbortSignal): unknown
}

export interface ResolvedDependencyOptions {
  readonly timeoutMs: number
  readonly breaker: ResolvedBreakerOptions
  readonly concurrent: number
  readonly waiting: number
  readonly retry: Required<RetryOptions>
  readonly isFailure: (error: unknown) => boolean
  readonly probe: ((signal: AbortSignal) => unknown) | undefined
}

const NAMES: {
  readonly dependency: Names<DependencyOptions>
  readonly breaker: Names<BreakerOptions>
  readonly bulkhead: Names<BulkheadOptions>
  readonly retry: Names<RetryOptions>
} = {
  dependency: { timeoutMs: true, breaker: true, bulkhead: true, retry: true, isFailure: true, probe: true },
  breaker: { failures: true, openMs: true, maxOpenMs: true, factor: true, jitter: true, probes: true },
  bulkhead: { concurrent: true, waiting: true },
  retry: { attempts: true, minMs: true, maxMs: true, factor: true, jitter: true, when: true },
}

/** Checks the options. Throws `CoreError` BAD_OPTION. */
export function resolveDependencyOptions(options: DependencyOptions = {}): ResolvedDependencyOptions {
  optionsOf('dependency', options, NAMES.dependency)
  const { isFailure = () => true, probe } = options
  const breaker: BreakerOptions = optionsOf('breaker', options.breaker, NAMES.breaker)
  const bulkhead: BulkheadOptions = optionsOf('bulkhead', options.bulkhead, NAMES.bulkhead)
  const retry: RetryOptions = optionsOf('retry', options.retry, NAMES.retry)
  const openMs = numberOption('breaker.openMs', breaker.openMs, 1000, 0, Infinity)
  const minMs = numberOption('retry.minMs', retry.minMs, 50, 0, Infinity)
  return {
    timeoutMs: numberOption('timeoutMs', options.timeoutMs, 1000, 0, Infinity),
    breaker: {
      failures: integerOption('breaker.failures', breaker.failures, 5, 1),
      openMs,
      maxOpenMs: numberOption('breaker.maxOpenMs', breaker.maxOpenMs, Math.max(openMs, 30_000), openMs, Infinity),
      factor: numberOption('breaker.factor', breaker.factor, 2, 1, Infinity),
      jitter: numberOption('breaker.jitter', breaker.jitter, 0.2, 0, 1),
      probes: integerOption('breaker.probes', breaker.probes, 1, 1),
    },
    concurrent: integerOption('bulkhead.concurrent', bulkhead.concurrent, 64, 1),
    waiting: integerOption('bulkhead.waiting', bulkhead.waiting, 64, 0),
    retry: {
      attempts: integerOption('retry.attempts', retry.attempts, 1, 1),
      minMs,
      maxMs: numberOption('retry.maxMs', retry.maxMs, Math.max(minMs, 1000), minMs, Infinity),
      factor: numberOption('retry.factor', retry.factor, 2, 1, Infinity),
      jitter: numberOption('retry.jitter', retry.jitter, 0.2, 0, 1),
      when: functionOption('retry.when', retry.when ?? (() => true)),
    },
    isFailure: functionOption('isFailure', isFailure),
    probe: probe === undefined ? undefined : functionOption('probe', probe),
  }
}

/** Pause before try number `attempt`, which is 2 or more. Pure; `random` is in [0, 1). */
export function pauseBefore(attempt: number, { minMs, maxMs, factor, jitter }: Required<RetryOptions>, random: number): number {
  return Math.min(maxMs, minMs * factor ** (attempt - 2)) * (1 - jitter * random)
}
