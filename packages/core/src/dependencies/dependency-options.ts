import type { BreakerOptions, ResolvedBreakerOptions } from './breaker.ts'
import { functionOption, integerOption, numberOption, quote } from '../check.ts'
import { CoreError } from '../errors.ts'

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

export interface DependencyOptions {
  /** How long one try may wait for a place and then run, each, in milliseconds. @default 1000 */
  readonly timeoutMs?: number
  readonly breaker?: BreakerOptions
  readonly bulkhead?: {
    /** Calls under way at a time. @default 64 */
    readonly concurrent?: number
    /** Calls that may wait for a place. @default 64 */
    readonly waiting?: number
  }
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

const NAMES = {
  dependency: ['timeoutMs', 'breaker', 'bulkhead', 'retry', 'isFailure', 'probe'],
  breaker: ['failures', 'openMs', 'maxOpenMs', 'factor', 'jitter', 'probes'],
  bulkhead: ['concurrent', 'waiting'],
  retry: ['attempts', 'minMs', 'maxMs', 'factor', 'jitter', 'when'],
} as const

function checkNames(what: keyof typeof NAMES, options: object): void {
  const wrong = Object.keys(options).find((name) => !(NAMES[what] as readonly string[]).includes(name))
  if (wrong !== undefined) throw new CoreError('BAD_OPTION', `${what} has no option ${quote(wrong)}: give ${NAMES[what].join(', ')}`)
}

/** Checks the options. Throws `CoreError` BAD_OPTION. */
export function resolveDependencyOptions(options: DependencyOptions = {}): ResolvedDependencyOptions {
  const { breaker = {}, bulkhead = {}, retry = {}, isFailure = () => true, probe } = options
  checkNames('dependency', options)
  checkNames('breaker', breaker)
  checkNames('bulkhead', bulkhead)
  checkNames('retry', retry)
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
