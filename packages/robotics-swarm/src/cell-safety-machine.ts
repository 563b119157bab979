import type { RestoredEvent } from '@stigmergy/core'
import type { SourceStamp } from '@stigmergy/grid'
import { assign, setup } from 'xstate'
import type { Machine } from './machine.ts'
import { EMPTY_ACCOUNT, type SafetyAccount, spend } from './safety-account.ts'
import { judge, type SafetyLimits, type SafetyState } from './safety.ts'

/** What the watchman of a cell tells. All times are local and monotonic (I4). */
export type SafetyEvent =
  /** A newer reading of the source was accepted at `atMs`. */
  | { readonly type: 'source.accepted'; readonly atMs: number; readonly stamp: SourceStamp }
  /** The watchman looked at `atMs`: the newest reading, accepted at `acceptedAtMs`, was of age `ageMs`. */
  | {
      readonly type: 'source.checked'
      readonly atMs: number
      readonly ageMs: number
      readonly acceptedAtMs: number
      readonly stamp: SourceStamp | undefined
    }
  /** The source is required no longer. */
  | { readonly type: 'source.released'; readonly atMs: number }
  | { readonly type: 'operator.acknowledged'; readonly atMs: number }

/** The source was silent for too long. */
export interface SafetyStop {
  readonly atMs: number
  /** Age of the newest reading when the stop was called for. */
  readonly ageMs: number
  /** Stamp of the last reading before the silence; undefined: there was none yet. */
  readonly after: SourceStamp | undefined
  /** Who saw it first: the timer, or the row that ended the silence. */
  readonly seenBy: 'timer' | 'row'
}

export interface SafetyContext {
  readonly account: SafetyAccount
  /** The present state is accounted from here on. */
  readonly sinceMs: number | undefined
  /** Newest reading that was told; with no stamp: the moment from which the source is required. */
  readonly newest: { readonly atMs: number; readonly stamp: SourceStamp | undefined } | undefined
  /** Acceptance time of the reading whose silence was counted last: a timer and a row that see one silence count it once. */
  readonly countedAfterMs: number
}

export interface SafetyMachineOptions {
  readonly limits: SafetyLimits
  /** Monotonic time from which the source is required; undefined: from its first reading. */
  readonly requiredFromMs: number | undefined
  /** `when-fresh`: an operator who acknowledges as soon as he may, as in a replay. */
  readonly acknowledge: 'operator' | 'when-fresh'
  readonly now: () => number
  readonly onState: (state: SafetyState, atMs: number) => void
  readonly onStop: (stop: SafetyStop) => void
  /** The source was released: this is the last word on the account. */
  readonly onReleased: (account: SafetyAccount) => void
}

export type SafetyMachine = Machine<SafetyContext, SafetyEvent | RestoredEvent>

type Step = { readonly context: SafetyContext; readonly event: SafetyEvent | RestoredEvent }
type Silence = { readonly afterMs: number; readonly stop: SafetyStop }
type InState = { readonly state: SafetyState }

/** The statechart around `judge`: it latches, counts each silence once, and accounts for the time by the clock. */
export function createSafetyMachine(options: SafetyMachineOptions): SafetyMachine {
  const { limits, requiredFromMs } = options
  const timeOf = (event: Step['event']): number => ('atMs' in event ? event.atMs : options.now())

  /** The silence an event tells of: the one that a row ended, or the one that lasts. */
  const silence = ({ context: { newest }, event }: Step): Silence | undefined => {
    if (event.type === 'source.checked')
      return { afterMs: event.acceptedAtMs, stop: { atMs: event.atMs, ageMs: event.ageMs, after: event.stamp, seenBy: 'timer' } }
    if (event.type !== 'source.accepted' || !newest) return undefined
    return { afterMs: newest.atMs, stop: { atMs: event.atMs, ageMs: event.atMs - newest.atMs, after: newest.stamp, seenBy: 'row' } }
  }
  const uncounted = (step: Step): Silence | undefined => {
    const found = silence(step)
    return found?.afterMs === step.context.countedAfterMs ? undefined : found
  }
  const callsFor = (step: Step): SafetyState => judge('RUN', { ageMs: silence(step)?.stop.ageMs ?? 0 }, limits).state

  const machine = setup({
    types: {} as { context: SafetyContext; events: Step['event'] },
    guards: {
      tooOld: (step: Step) => callsFor(step) === 'STOP',
      late: (step: Step) => callsFor(step) === 'HOLD',
      // Fresh: the newest reading came after the silence that was counted.
      operatorIsThere: ({ context }) =>
        options.acknowledge === 'when-fresh' && (context.newest?.atMs ?? -Infinity) > context.countedAfterMs,
      mayAcknowledge: ({ context, event }) =>
        judge('STOP', { ageMs: timeOf(event) - (context.newest?.atMs ?? -Infinity), acknowledged: true }, limits).state === 'RUN',
    },
    actions: {
      tellStop(step: Step) {
        const found = uncounted(step)
        if (found) options.onStop(found.stop)
      },
      countStop: assign((step: Step) => {
        const found = uncounted(step)
        if (!found) return {}
        const { account } = step.context
        return { account: { ...account, stops: account.stops + 1 }, countedAfterMs: found.afterMs }
      }),
      take: assign(({ context, event }) => {
        if (event.type !== 'source.accepted') return {}
        return { newest: { atMs: event.atMs, stamp: event.stamp }, sinceMs: context.sinceMs ?? event.atMs }
      }),
      enter: ({ event }, { state }: InState) => options.onState(state, timeOf(event)),
      leave: assign(({ context, event }, { state }: InState) => {
        const sinceMs = context.sinceMs ?? timeOf(event)
        // A row counts at its time of acceptance, which may lie before a check that was told first.
        const atMs = Math.max(timeOf(event), sinceMs)
        return { sinceMs: atMs, account: spend(context.account, state, atMs - sinceMs) }
      }),
    },
  }).createMachine({
    id: 'safety',
    context: {
      account: EMPTY_ACCOUNT,
      sinceMs: requiredFromMs,
      newest: requiredFromMs === undefined ? undefined : { atMs: requiredFromMs, stamp: undefined },
      countedAfterMs: -Infinity,
    },
    initial: requiredFromMs === undefined ? 'waiting' : 'run',
    on: {
      'source.released': { target: '.released' },
      // A restarted agent does not know what it missed: the safe side is to stand still until somebody acknowledges.
      'agent.restored': { target: '.stop' },
    },
    states: {
      waiting: { on: { 'source.accepted': { target: 'run', actions: 'take' } } },
      run: {
        entry: { type: 'enter', params: { state: 'RUN' } },
        exit: { type: 'leave', params: { state: 'RUN' } },
        on: {
          'source.accepted': [{ guard: 'tooOld', target: 'stop', actions: ['tellStop', 'countStop', 'take'] }, { actions: 'take' }],
          'source.checked': [
            { guard: 'tooOld', target: 'stop', actions: ['tellStop', 'countStop'] },
            { guard: 'late', target: 'hold' },
          ],
        },
      },
      hold: {
        entry: { type: 'enter', params: { state: 'HOLD' } },
        exit: { type: 'leave', params: { state: 'HOLD' } },
        on: {
          'source.accepted': [
            { guard: 'tooOld', target: 'stop', actions: ['tellStop', 'countStop', 'take'] },
            { target: 'run', actions: 'take' },
          ],
          'source.checked': { guard: 'tooOld', target: 'stop', actions: ['tellStop', 'countStop'] },
        },
      },
      stop: {
        entry: { type: 'enter', params: { state: 'STOP' } },
        exit: { type: 'leave', params: { state: 'STOP' } },
        always: { guard: 'operatorIsThere', target: 'run' },
        on: {
          'source.accepted': [{ guard: 'tooOld', actions: ['tellStop', 'countStop', 'take'] }, { actions: 'take' }],
          'source.checked': { guard: 'tooOld', actions: ['tellStop', 'countStop'] },
          'operator.acknowledged': { guard: 'mayAcknowledge', target: 'run' },
        },
      },
      released: { type: 'final', entry: ({ context }) => options.onReleased(context.account) },
    },
  })
  // What setup() infers cannot be emitted into declarations; `Machine` keeps what users see of it.
  return machine as unknown as SafetyMachine
}
