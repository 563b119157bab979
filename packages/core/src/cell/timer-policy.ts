import { CoreError } from '../errors.ts'
import { choiceOption } from '../check.ts'
import type { PendingTimer } from './timers.ts'

/**
 * When a delayed event of a restored agent is due. `restart`: its whole delay from now. `remaining`: what was left of it when the state
 * was stored last. `due`: when it would have been without the interruption; if that is past, at once. It fires once in any case.
 */
export type TimerPolicy = 'restart' | 'remaining' | 'due'

/** One policy for all delayed events of an agent, or one for each; `after` has the events `xstate.after...`. */
export type TimerPolicies =
  | TimerPolicy
  | ((timer: { readonly id: string; readonly event: string; readonly delayMs: number }) => TimerPolicy)

/** The clocks by which delays are kept. */
export interface TimerClocks {
  readonly policies: TimerPolicies
  /** Monotonic ms. */
  now(): number
  /** Ms of the day, the same in the next process: for `due`. */
  readonly wallNow: (() => number) | undefined
}

const POLICIES = ['restart', 'remaining', 'due'] as const

function policyOf(policies: TimerPolicies, { id, event, delayMs }: PendingTimer): TimerPolicy {
  return typeof policies === 'function' ? policies({ id, event: event.type, delayMs }) : policies
}

/** What must be stored of a timer that is due at `dueAtMs`, besides its delay. */
export function keptOf(timer: PendingTimer, dueAtMs: number, { policies, now, wallNow }: TimerClocks): Partial<PendingTimer> {
  const policy = policyOf(policies, timer)
  if (policy === 'restart') return {}
  const leftMs = Math.max(0, dueAtMs - now())
  return policy === 'due' && wallNow !== undefined ? { dueMs: wallNow() + leftMs } : { leftMs }
}

/** How long a restored timer waits; less than 0: it is overdue by so much. */
export function waitOf(timer: PendingTimer, { policies, wallNow }: TimerClocks): number {
  const { delayMs, leftMs, dueMs } = timer
  const policy = policyOf(policies, timer)
  if (policy === 'due' && dueMs !== undefined && wallNow !== undefined) return dueMs - wallNow()
  return policy === 'remaining' || policy === 'due' ? (leftMs ?? delayMs) : delayMs
}

/** Checks the option. Throws `CoreError` BAD_OPTION. */
export function resolveTimers(timers: TimerPolicies | undefined, clocks: TimerClocks): TimerClocks {
  if (timers === undefined) return clocks
  const checked = (name: string, policy: TimerPolicy): TimerPolicy => {
    const chosen = choiceOption<TimerPolicy>(name, policy, 'restart', POLICIES)
    if (chosen !== 'due' || clocks.wallNow !== undefined) return chosen
    throw new CoreError('BAD_OPTION', `${name} is "due", and the system knows no time of the day: give createSystem({ wallNow: Date.now })`)
  }
  if (typeof timers !== 'function') return { ...clocks, policies: checked('timers', timers) }
  return { ...clocks, policies: (timer) => checked(`timers for ${timer.event}`, timers(timer)) }
}
