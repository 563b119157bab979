import { SwarmError } from './errors.ts'

/**
 * Should a cell still move, given how long its required source has been silent? Pure: the same inputs give the same trace.
 * Ages are local and monotonic, never made from time stamps of a source or of another machine (I4).
 *
 * This is an operational stop. It is not a rated safety channel and does not replace one (ISO 13849-1 asks for more than
 * a program on a general computer can give). Latch and acknowledgement follow what rated watchdogs do: fail-safe state,
 * operator acknowledgement, no restart by the next good message.
 */
export type SafetyState =
  /** The source is fresh. */
  | 'RUN'
  /** The source is late: begin nothing new. Ends by itself when the source is fresh again. */
  | 'HOLD'
  /** The source is too old: stand still. Latched: only an operator ends it, and only while the source is fresh. */
  | 'STOP'

export interface SafetyOptions {
  /** Age of the source, in ms, above which the cell stops. @default 50 */
  readonly limitMs?: number
  /** Age of the source, in ms, above which nothing new is begun. @default limitMs / 2 */
  readonly holdMs?: number
}

export interface SafetyLimits {
  readonly limitMs: number
  readonly holdMs: number
}

/** What the state is judged on. */
export interface SafetyInput {
  /** Age of the required source. What is no number counts as too old. */
  readonly ageMs: number
  /** An operator acknowledges the stop. @default false */
  readonly acknowledged?: boolean
}

export interface Verdict {
  readonly state: SafetyState
  readonly changed: boolean
}

/** Applies the defaults and checks the values. Throws `SwarmError` BAD_OPTION that quotes the value. */
export function resolveSafetyOptions(options: SafetyOptions = {}): SafetyLimits {
  const limitMs = positive('limitMs', options.limitMs ?? 50)
  const holdMs = positive('holdMs', options.holdMs ?? limitMs / 2)
  if (holdMs > limitMs)
    throw new SwarmError(
      'BAD_OPTION',
      `holdMs is ${holdMs} and limitMs is ${limitMs}: a cell holds before it stops, so give holdMs <= limitMs`,
    )
  return { limitMs, holdMs }
}

function positive(name: string, value: number): number {
  if (!Number.isFinite(value) || value <= 0) throw new SwarmError('BAD_OPTION', `${name} is ${String(value)}: give milliseconds above 0`)
  return value
}

/**
 * True if the age is above the limit, compared at whole microseconds: an age of exactly the limit is not above it, whatever
 * floating point does to it. Not a number: true, the safe side.
 */
export function isOver(ageMs: number, limitMs: number): boolean {
  return !(Math.round(ageMs * 1000) <= Math.round(limitMs * 1000))
}

/** The next state. */
export function judge(state: SafetyState, { ageMs, acknowledged = false }: SafetyInput, { limitMs, holdMs }: SafetyLimits): Verdict {
  const called: SafetyState = isOver(ageMs, limitMs) ? 'STOP' : isOver(ageMs, holdMs) ? 'HOLD' : 'RUN'
  const latched = state === 'STOP' && !(acknowledged && called === 'RUN')
  const next = latched ? 'STOP' : called
  return { state: next, changed: next !== state }
}
