import { quote } from '../check.ts'
import { CoreError } from '../errors.ts'

/** Runs the first step of an agent. Throws `CoreError` START_FAILED, with what it threw as the cause. */
export function firstStep(id: string, fn: () => void): void {
  try {
    fn()
  } catch (cause) {
    throw new CoreError('START_FAILED', `agent ${quote(id)} did not start: ${String(cause)}`, { cause })
  }
}

/** It was stopped while it was being started. */
export function stoppedEarly(id: string): CoreError {
  return new CoreError('AGENT_STOPPED', `agent ${quote(id)} was stopped before it had started`)
}

/**
 * Captures the state of an agent. XState throws whatever it meets: a child spawned from inline logic, a context that refers to itself
 * through an actor. Throws `CoreError` BAD_STATE.
 */
export function capturing<T>(id: string, fn: () => T): T {
  try {
    return fn()
  } catch (cause) {
    throw new CoreError('BAD_STATE', `the state of agent ${quote(id)} cannot be captured: ${String(cause)}`, { cause })
  }
}
