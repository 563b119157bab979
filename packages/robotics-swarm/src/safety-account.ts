import type { SafetyState } from './safety.ts'

/** Time in each state by the clock, in ms, and how often the source was silent for too long. */
export interface SafetyAccount {
  readonly stops: number
  readonly msInRun: number
  readonly msInHold: number
  readonly msInStop: number
}

export const EMPTY_ACCOUNT: SafetyAccount = { stops: 0, msInRun: 0, msInHold: 0, msInStop: 0 }

const KEYS = { RUN: 'msInRun', HOLD: 'msInHold', STOP: 'msInStop' } as const

/** The account after `ms` more in that state. */
export function spend(account: SafetyAccount, state: SafetyState, ms: number): SafetyAccount {
  return { ...account, [KEYS[state]]: account[KEYS[state]] + ms }
}
