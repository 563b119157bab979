import type { Clock, TimerHandle } from '@stigmergy/grid'
import { integerOption, numberOption, optionsOf, type Names } from '../check.ts'

/** One-for-one. Names and defaults after Erlang/OTP's supervisor (intensity in period) and Akka's backoff. */
export interface SupervisionOptions {
  /** Restarts allowed within `withinMs`; one more and the agent is stopped for good. @default 5 */
  readonly maxRestarts?: number
  /** @default 10_000 */
  readonly withinMs?: number
  readonly backoff?: BackoffOptions
}

export interface BackoffOptions {
  /** Pause before the first restart. @default 10 */
  readonly minMs?: number
  /** Longest pause. @default 5_000 */
  readonly maxMs?: number
  /** The pause grows by this with each restart within `withinMs`. @default 2 */
  readonly factor?: number
  /** Part of the pause that is random, 0 to 1: it is shortened by up to this part. @default 0.2 */
  readonly jitter?: number
}

const BACKOFF: Names<BackoffOptions> = { minMs: true, maxMs: true, factor: true, jitter: true }

export interface ResolvedSupervisionOptions {
  readonly maxRestarts: number
  readonly withinMs: number
  readonly minMs: number
  readonly maxMs: number
  readonly factor: number
  readonly jitter: number
}

const DEFAULTS: ResolvedSupervisionOptions = { maxRestarts: 5, withinMs: 10_000, minMs: 10, maxMs: 5000, factor: 2, jitter: 0.2 }

/** Checks the options. Throws `CoreError` BAD_OPTION. */
export function resolveSupervisionOptions(
  options?: SupervisionOptions,
  defaults: ResolvedSupervisionOptions = DEFAULTS,
): ResolvedSupervisionOptions {
  if (options === undefined) return defaults
  optionsOf<SupervisionOptions>('supervision', options, { maxRestarts: true, withinMs: true, backoff: true })
  const backoff: BackoffOptions = optionsOf<BackoffOptions>('backoff', options.backoff, BACKOFF)
  const { minMs, maxMs, factor, jitter } = backoff
  const shortest = numberOption('supervision.backoff.minMs', minMs, defaults.minMs, 0, Infinity)
  return {
    maxRestarts: integerOption('supervision.maxRestarts', options.maxRestarts, defaults.maxRestarts, 0),
    withinMs: numberOption('supervision.withinMs', options.withinMs, defaults.withinMs, 0, Infinity),
    minMs: shortest,
    maxMs: numberOption('supervision.backoff.maxMs', maxMs, Math.max(shortest, defaults.maxMs), shortest, Infinity),
    factor: numberOption('supervision.backoff.factor', factor, defaults.factor, 1, Infinity),
    jitter: numberOption('supervision.backoff.jitter', jitter, defaults.jitter, 0, 1),
  }
}

/** `escalate`: the supervisor above decides. */
export type Decision = { readonly type: 'restart'; readonly delayMs: number } | { readonly type: 'escalate' } | { readonly type: 'stop' }

/** When the restarts of the past were decided, in monotonic ms, oldest first. */
export type History = readonly number[]

/** What to do with an agent that failed at `nowMs`. Pure; `random` is in [0, 1). */
export function decide(history: History, options: ResolvedSupervisionOptions, random: number, nowMs: number): Decision {
  const recent = history.filter((atMs) => nowMs - atMs < options.withinMs).length
  if (recent >= options.maxRestarts) return { type: 'stop' }
  const pause = Math.min(options.maxMs, options.minMs * options.factor ** recent)
  return { type: 'restart', delayMs: pause * (1 - options.jitter * random) }
}

/** The process around `decide`: remembers the past, waits, restarts. */
export interface Supervisor {
  /** The agent failed: decides, and if it is to be restarted calls `restart` after the pause. */
  failed(): Decision
  /** No restart will come any more. */
  close(): void
}

export function createSupervisor(options: ResolvedSupervisionOptions, clock: Clock, random: () => number, restart: () => void): Supervisor {
  let history: number[] = []
  let pause: TimerHandle | undefined
  let closed = false

  return {
    failed() {
      if (closed) return { type: 'stop' }
      const nowMs = clock.now()
      const decision = decide(history, options, random(), nowMs)
      if (decision.type === 'restart') {
        // What is older than the window is never asked for again (I6).
        history = [...history.filter((atMs) => nowMs - atMs < options.withinMs), nowMs]
        pause = clock.setTimeout(() => {
          pause = undefined
          restart()
        }, decision.delayMs)
      }
      return decision
    },
    close() {
      closed = true
      if (pause !== undefined) clock.clearTimeout(pause)
      pause = undefined
    },
  }
}
